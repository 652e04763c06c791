import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Desk, type DeskMemory, startDesk } from '../../../../agent/daemon/desk.ts';
import type { AnyCheck } from '../../../../checks/check.ts';
import type { Clock } from '../../../../checks/host.ts';
import type { Plan } from '../../../../checks/plan.ts';
import type { Vantage } from '../../../../contracts/finding.ts';
import { Features } from '../../../../contracts/instance.ts';
import type { Rule } from '../../../../contracts/policy.ts';
import { fakeCheck, fakeSessionCheck } from '../../../fakes/fake-check.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

const clock: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
const running: Desk[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: Date.parse('2026-01-01T00:00:00.000Z') });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((desk) => desk.stop()));
  vi.useRealTimers();
});

interface Given {
  memory?: DeskMemory;
  plan?: Plan;
  vantage?: Vantage;
}

function start(checks: readonly AnyCheck[], rules: Rule[], { memory, plan = fakePlan(), vantage = 'endpoint' }: Given = {}) {
  const orders = { policy: fakePolicy(rules), plan, waivers: [], vantage };
  const desk = startDesk({
    orders,
    checks,
    memory: memory ?? { findings: [], history: {} },
    clock,
    random: () => 0,
    makeHost: () => ({ host: fakeDaemonHost({ clock }), close() {} }),
    onVerdict() {},
    onRound() {},
    onFinding() {},
    onDefect(error) {
      throw error;
    },
  });
  running.push(desk);
  return { desk, orders };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const saw = (ok: boolean) => ({ seen: true as const, evidence: { ok } });
const outcomes = (desk: Desk) => desk.findings().map(({ check, outcome }) => [check, outcome]);
const noted = { fail: 'block', degraded: 'warn', unknown: 'note' } as const;
const nobody = { kind: 'unknown', cause: 'no-session', detail: 'no session of an agent has looked' };
const voiceless = fakePlan({ features: Features.parse({ voice: false }) });
const voiceOnly = fakeSessionCheck('softphone.a', { notApplicable: ({ plan }) => (plan.features.voice ? null : 'feature-absent') });

describe('evidence of a probe in the user’s session', () => {
  it('is judged here and marked as the session’s', async () => {
    const check = fakeSessionCheck('softphone.a');
    const { desk } = start([check], [fakeRule('softphone.a')]);
    await pass(1);
    expect(desk.verdict().standing).toBe('undetermined');
    expect(desk.submit(check, saw(true))).toBeNull();
    expect(desk.verdict().standing).toBe('clear');
    expect(desk.findings()).toMatchObject([{ check: 'softphone.a', venue: 'session', outcome: { kind: 'pass' } }]);
    desk.submit(check, saw(false));
    expect(desk.verdict().standing).toBe('blocked');
  });

  it('that does not fit is refused, and what was known stays', async () => {
    const check = fakeSessionCheck('softphone.a');
    const { desk } = start([check], [fakeRule('softphone.a')]);
    desk.submit(check, saw(true));
    expect(desk.submit(check, { seen: true, evidence: { verdict: 'clear' } })).toContain('ok');
    expect(desk.findings()).toMatchObject([{ outcome: { kind: 'pass' } }]);
  });

  it('that it could not gather is unknown, never a pass or a fail', async () => {
    const check = fakeSessionCheck('softphone.a');
    const { desk } = start([check], [fakeRule('softphone.a')]);
    desk.submit(check, saw(true));
    expect(desk.submit(check, { seen: false, cause: 'timed-out', detail: '12 s' })).toBeNull();
    expect(desk.findings()).toMatchObject([
      { evidence: null, outcome: { kind: 'unknown', cause: 'timed-out', detail: '12 s' }, lastPassAt: '2026-01-01T00:00:00.000Z' },
    ]);
    expect(desk.verdict().standing).toBe('caution');
  });
});

describe('what the session is asked to look at', () => {
  it('is its own rules, with their params and cadence', () => {
    const { desk } = start(
      [fakeCheck('network.a'), fakeSessionCheck('softphone.a')],
      [fakeRule('network.a'), fakeRule('softphone.a', { params: { x: 1 }, everyMs: 90_000 }), fakeRule('device.unheard')],
    );
    expect(desk.sessionRules()).toEqual([{ id: 'softphone.a', check: 'softphone.a', params: { x: 1 }, everyMs: 90_000 }]);
  });

  it('leaves out what there is nothing to look at, and that is said without it', async () => {
    const { desk, orders } = start([voiceOnly], [fakeRule('softphone.a')], { plan: voiceless });
    expect(desk.sessionRules()).toEqual([]);
    await pass(1);
    expect([desk.verdict().standing, outcomes(desk)]).toEqual([
      'clear',
      [['softphone.a', { kind: 'not-applicable', because: 'feature-absent' }]],
    ]);
    // It does not go stale while there is still nothing to look at.
    await pass(10 * 60_000);
    expect(desk.verdict().standing).toBe('clear');
    desk.submit(voiceOnly, { seen: false, cause: 'crashed', detail: '' });
    expect(outcomes(desk)).toEqual([['softphone.a', { kind: 'not-applicable', because: 'feature-absent' }]]);
    desk.obey({ ...orders, plan: fakePlan() });
    expect(desk.sessionRules()).toHaveLength(1);
  });

  it('leaves out rules of another vantage', async () => {
    const check = fakeSessionCheck('softphone.a');
    const { desk } = start([check], [fakeRule('softphone.a', { vantage: 'vdi-guest' })]);
    await pass(1);
    desk.submit(check, saw(false));
    expect([desk.sessionRules(), desk.findings(), desk.verdict().standing]).toEqual([[], [], 'clear']);
  });
});

describe('where no session looks', () => {
  it('a rule that only notes it says so at once, and holds nobody up', async () => {
    const { desk } = start([fakeSessionCheck('softphone.a')], [fakeRule('softphone.a', { on: noted })]);
    await pass(1);
    expect([desk.verdict().standing, outcomes(desk)]).toEqual(['clear', [['softphone.a', nobody]]]);
    await pass(10 * 60_000);
    expect(desk.verdict().standing).toBe('clear');
  });

  it('a rule that counts it gives the tray app two minutes to come', async () => {
    const { desk } = start([fakeSessionCheck('softphone.a')], [fakeRule('softphone.a')]);
    await pass(119_000);
    expect([desk.verdict().standing, desk.findings()]).toEqual(['undetermined', []]);
    await pass(6_000);
    expect([desk.verdict().standing, outcomes(desk)]).toEqual(['caution', [['softphone.a', nobody]]]);
  });

  it('any more, what it said counts until it would be stale', async () => {
    const check = fakeSessionCheck('softphone.a');
    const { desk } = start([check], [fakeRule('softphone.a', { on: noted })]);
    desk.submit(check, saw(true));
    await pass(149_000);
    expect(desk.findings()).toMatchObject([{ outcome: { kind: 'pass' } }]);
    await pass(6_000);
    expect([desk.verdict().standing, outcomes(desk)]).toEqual(['clear', [['softphone.a', nobody]]]);
  });

  it('any more, nobody trades a block for a note: it is undetermined', async () => {
    const check = fakeSessionCheck('softphone.a');
    const { desk } = start([check], [fakeRule('softphone.a', { on: noted, recoverRuns: 1 })]);
    desk.submit(check, saw(false));
    await pass(170_000);
    expect(desk.verdict().standing).toBe('blocked');
    await pass(20_000);
    expect([desk.verdict().standing, desk.findings()[0]?.outcome.kind]).toEqual(['undetermined', 'fail']);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Desk, type DeskMemory, startDesk } from '../../../../agent/daemon/desk.ts';
import type { AnyCheck } from '../../../../checks/check.ts';
import type { Clock } from '../../../../checks/host.ts';
import { CheckId } from '../../../../contracts/finding.ts';
import type { Rule } from '../../../../contracts/policy.ts';
import type { Verdict } from '../../../../contracts/verdict.ts';
import { Waiver } from '../../../../contracts/waiver.ts';
import { fakeCheck, seen } from '../../../fakes/fake-check.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

/** Time is that of the timers, and a shift of the wall clock moves nothing else. */
let wallShiftMs = 0;
const clock: Clock = { wallMs: () => Date.now() + wallShiftMs, monotonicMs: () => performance.now() + readings++ * stepMs };
/** A real clock never says the same twice. */
let readings = 0;
let stepMs = 0;
const nothing: DeskMemory = { findings: [], history: {} };
const running: Desk[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: Date.parse('2026-01-01T00:00:00.000Z') });
  wallShiftMs = 0;
  [readings, stepMs] = [0, 0];
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((desk) => desk.stop()));
  vi.useRealTimers();
});

function start(checks: readonly AnyCheck[], rules: Rule[], memory: DeskMemory = nothing, makeHost = async () => {}, onFinding = () => {}) {
  const verdicts: Verdict[] = [];
  const changes: string[] = [];
  const defects: unknown[] = [];
  const orders = { policy: fakePolicy(rules), plan: fakePlan(), waivers: [], vantage: 'endpoint' as const };
  const desk = startDesk({
    orders,
    checks,
    memory,
    clock,
    random: () => 0,
    makeHost: async () => {
      await makeHost();
      return { host: fakeDaemonHost({ clock }), close() {} };
    },
    onVerdict(verdict, changed) {
      verdicts.push(verdict);
      if (changed) changes.push(verdict.standing);
    },
    onRound() {},
    onFinding,
    onDefect: (error) => defects.push(error),
  });
  running.push(desk);
  return { desk, orders, verdicts, changes, defects };
}

/** A check whose health is switched from outside; `probed` counts. */
function switched(id: string, overrides: Parameters<typeof fakeCheck>[1] = {}) {
  const state = { ok: true, probed: 0 };
  const probe = async () => {
    state.probed++;
    return seen(state.ok);
  };
  return { check: fakeCheck(id, { probe, ...overrides }), state };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a desk that decides all day', () => {
  it('is undetermined until it has looked, and clear after', async () => {
    const a = switched('network.a');
    const { desk, changes } = start([a.check], [fakeRule('network.a')]);
    expect(desk.verdict().standing).toBe('undetermined');
    await pass(1);
    expect(changes).toEqual(['clear']);
  });

  it('looks at its start, and does not spin, by a clock that moves while it is read', async () => {
    stepMs = 1e-4;
    const a = switched('network.a');
    const { verdicts } = start([a.check], [fakeRule('network.a', { everyMs: 60_000 })]);
    await pass(1_000);
    expect([a.state.probed, verdicts.length]).toEqual([1, 1]);
  });

  it('looks again at each cadence, and does not look meanwhile', async () => {
    const a = switched('network.a');
    start([a.check], [fakeRule('network.a', { everyMs: 60_000 })]);
    await pass(59_999);
    expect(a.state.probed).toBe(1);
    await pass(1);
    expect(a.state.probed).toBe(2);
  });

  it('blocks when a failure has lasted, warns in its grace, and clears after the good runs', async () => {
    const a = switched('network.a');
    const { desk, changes } = start([a.check], [fakeRule('network.a', { everyMs: 60_000, settleMs: 30_000, graceMs: 60_000 })]);
    await pass(1);
    a.state.ok = false;
    desk.trigger();
    await pass(29_000);
    expect(changes).toEqual(['clear']);
    await pass(2_000);
    expect(changes).toEqual(['clear', 'caution']);
    await pass(60_000 + 5_000);
    expect(changes).toEqual(['clear', 'caution', 'blocked']);
    a.state.ok = true;
    await pass(30_000);
    expect(desk.verdict().standing).toBe('blocked');
    await pass(30_000);
    expect(changes).toEqual(['clear', 'caution', 'blocked', 'clear']);
  });

  it('forgives a blip', async () => {
    const a = switched('network.a');
    const { desk, changes } = start([a.check], [fakeRule('network.a', { everyMs: 60_000, settleMs: 30_000 })]);
    await pass(1);
    a.state.ok = false;
    desk.trigger();
    await pass(5_000);
    a.state.ok = true;
    await pass(120_000);
    expect(changes).toEqual(['clear']);
  });

  it('a rule that never ends becomes undetermined, not a silent clear', async () => {
    let hang = false;
    const check = fakeCheck('network.a', { timeoutMs: 60_000, probe: () => (hang ? new Promise(() => {}) : Promise.resolve(seen(true))) });
    const { desk } = start([check], [fakeRule('network.a', { everyMs: 10_000, on: { fail: 'block', degraded: 'warn', unknown: 'warn' } })]);
    await pass(1);
    hang = true;
    await pass(45_000);
    expect(desk.verdict().standing).toBe('undetermined');
  });

  it('decides by awake time: a wall clock that jumps a day changes nothing', async () => {
    const a = switched('network.a');
    const { desk, changes } = start([a.check], [fakeRule('network.a')]);
    await pass(1);
    for (const jump of [86_400_000, -86_400_000]) {
      wallShiftMs = jump;
      await pass(10_000);
      expect(desk.verdict().standing).toBe('clear');
    }
    expect(changes).toEqual(['clear']);
  });

  it('a grace that runs is told once, though the clocks drift by milliseconds', async () => {
    const a = switched('network.a');
    a.state.ok = false;
    const { changes } = start([a.check], [fakeRule('network.a', { graceMs: 600_000 })]);
    for (let i = 0; i < 10; i++) {
      await pass(10_000);
      wallShiftMs = i % 2;
    }
    expect(changes).toEqual(['caution']);
    wallShiftMs = 60_000;
    await pass(10_000);
    expect(changes).toEqual(['caution', 'caution']);
  });

  it('a waiver acts, and ends, by itself', async () => {
    const a = switched('network.a');
    a.state.ok = false;
    const rule = fakeRule('network.a');
    const { desk, orders } = start([a.check], [rule]);
    await pass(1);
    expect(desk.verdict().standing).toBe('blocked');
    const until = new Date(Date.now() + 60_000).toISOString();
    const id = '00000000-0000-4000-8000-000000000001';
    desk.obey({ ...orders, waivers: [Waiver.parse({ schema: 1, id, rule: rule.id, reason: 'r', grantedBy: 'g', until })] });
    await pass(1);
    expect(desk.verdict().standing).toBe('caution');
    await pass(65_000);
    expect(desk.verdict().standing).toBe('blocked');
  });
});

describe('what makes it look at once', () => {
  it('a trigger runs everything, or one check', async () => {
    const [a, b] = [switched('network.a'), switched('network.b')];
    const { desk } = start([a.check, b.check], [fakeRule('network.a'), fakeRule('network.b')]);
    await pass(1);
    desk.trigger();
    await pass(1);
    desk.trigger(CheckId.parse('network.b'));
    await pass(1);
    expect([a.state.probed, b.state.probed]).toEqual([2, 3]);
  });

  it('a trigger during a run runs it once more, and never twice at a time', async () => {
    const at = { once: 0, most: 0, probed: 0 };
    const probe = async () => {
      at.probed++;
      at.most = Math.max(at.most, ++at.once);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      at.once--;
      return seen(true);
    };
    const { desk } = start([fakeCheck('network.a', { probe, timeoutMs: 5_000 })], [fakeRule('network.a')]);
    await pass(500);
    for (let i = 0; i < 5; i++) desk.trigger();
    await pass(5_000);
    expect(at).toEqual({ once: 0, most: 1, probed: 2 });
  });

  it('a check that loads other servers keeps its distance even then', async () => {
    const a = switched('network.a', { minIntervalMs: 900_000 });
    const { desk } = start([a.check], [fakeRule('network.a', { everyMs: 1_200_000 })]);
    await pass(1);
    for (let i = 0; i < 10; i++) {
      desk.trigger();
      await pass(60_000);
    }
    expect(a.state.probed).toBe(1);
    await pass(400_000);
    expect(a.state.probed).toBe(2);
  });

  it('new orders: what they still name keeps its history, the rest is forgotten', async () => {
    const [a, b] = [switched('network.a'), switched('network.b')];
    const { desk, orders } = start([a.check, b.check], [fakeRule('network.a'), fakeRule('network.b')]);
    await pass(1);
    desk.obey({ ...orders, policy: fakePolicy([fakeRule('network.a')]) });
    expect(desk.findings().map((finding) => finding.check)).toEqual(['network.a']);
    expect(desk.verdict().standing).toBe('clear');
    await pass(1);
    expect([a.state.probed, b.state.probed]).toEqual([2, 1]);
  });

  it('a result of orders that were replaced says nothing', async () => {
    let finish: (value: ReturnType<typeof seen>) => void = () => {};
    let probed = 0;
    const probe = () =>
      probed++ === 0 ? new Promise<ReturnType<typeof seen>>((resolve) => (finish = resolve)) : Promise.resolve(seen(true));
    const { desk, orders } = start([fakeCheck('network.a', { probe })], [fakeRule('network.a')]);
    await pass(1);
    desk.obey({ ...orders, policy: { ...orders.policy } });
    await pass(1);
    finish(seen(false));
    await pass(1);
    expect([desk.verdict().standing, probed]).toEqual(['clear', 2]);
  });

  it('other orders end what runs, and a check that keeps its distance makes up for it ten seconds later', async () => {
    const signals: AbortSignal[] = [];
    let probed = 0;
    const probe = (_host: unknown, _ask: unknown, signal: AbortSignal) => {
      probed++;
      signals.push(signal);
      return new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const check = fakeCheck('network.a', { probe, timeoutMs: 50_000, minIntervalMs: 900_000 });
    const { desk, orders, defects } = start([check], [fakeRule('network.a')]);
    await pass(1);
    desk.obey({ ...orders, policy: { ...orders.policy } });
    await pass(5_000);
    expect([probed, signals.map(({ aborted }) => aborted)]).toEqual([1, [true]]);
    await pass(6_000);
    expect([probed, defects]).toEqual([2, []]);
    await pass(600_000);
    expect(probed).toBe(2);
  });

  it('other waivers judge anew and look at nothing', async () => {
    const a = switched('network.a');
    a.state.ok = false;
    const { desk, orders } = start([a.check], [fakeRule('network.a')]);
    await pass(1);
    expect([desk.verdict().standing, a.state.probed]).toEqual(['blocked', 1]);
    const waiver = Waiver.parse({
      schema: 1,
      id: '7f1d9a54-0c9a-4a52-9a8e-0d9a5b1c2d3e',
      rule: 'network.a',
      reason: 'line being repaired',
      grantedBy: 'it@example.com',
      until: '2026-01-02T00:00:00.000Z',
    });
    desk.obey({ ...orders, waivers: [waiver] });
    expect([desk.verdict().standing, a.state.probed]).toEqual(['caution', 1]);
  });
});

it('a listener that throws keeps no rule of the same round from being judged', async () => {
  const [a, b] = [switched('network.a'), switched('network.b')];
  const fall = () => {
    throw new Error('full');
  };
  const { desk, defects } = start([a.check, b.check], [fakeRule('network.a'), fakeRule('network.b')], nothing, undefined, fall);
  await pass(1);
  expect([desk.verdict().standing, defects.length]).toEqual(['clear', 2]);
});

describe('after a restart', () => {
  it('goes on from what it remembers: a block stands before anything ran', async () => {
    const a = switched('network.a');
    a.state.ok = false;
    const first = start([a.check], [fakeRule('network.a')]);
    await pass(1);
    const memory = first.desk.memory();
    await first.desk.stop();
    const second = start([a.check], [fakeRule('network.a')], JSON.parse(JSON.stringify(memory)) as DeskMemory);
    expect(second.desk.verdict().standing).toBe('blocked');
  });

  it('memory of another boot decides nothing until the first run', async () => {
    const a = switched('network.a');
    const first = start([a.check], [fakeRule('network.a')]);
    await pass(1);
    const memory = first.desk.memory();
    await first.desk.stop();
    const future = Object.fromEntries(
      Object.entries(memory.history).map(([id, past]) => [id, { ...past, observedAtMs: past.observedAtMs + 1e9 }]),
    );
    const second = start([a.check], [fakeRule('network.a')], { ...memory, history: future });
    expect(second.desk.verdict().standing).toBe('undetermined');
    await pass(1);
    expect(second.desk.verdict().standing).toBe('clear');
  });
});

describe('after a restart under another policy', () => {
  it('forgets rules it no longer has, and what another check said under the same name', async () => {
    const [a, b] = [switched('network.a'), switched('network.b')];
    a.state.ok = false;
    const first = start([a.check, b.check], [fakeRule('network.a'), fakeRule('network.b')]);
    await pass(1);
    const [memory, id] = [first.desk.memory(), fakeRule('network.a').id];
    await first.desk.stop();
    const second = start([a.check, b.check], [{ ...fakeRule('network.b'), id }], memory);
    expect(second.desk.memory()).toEqual(nothing);
    expect(second.desk.verdict().standing).toBe('undetermined');
  });
});

describe('what it survives', () => {
  it('a rule of a check this desk lacks is noted', async () => {
    const { desk } = start([], [fakeRule('network.lacking')]);
    await pass(1);
    expect(desk.findings()[0]?.outcome).toEqual({ kind: 'unknown', cause: 'unsupported', detail: 'network.lacking' });
    expect(desk.verdict()).toMatchObject({ standing: 'clear', causes: [{ check: 'network.lacking', enforcement: 'note' }] });
  });

  it('a host that cannot be made is told, and tried again', async () => {
    let tries = 0;
    const broken = async () => {
      if (tries++ === 0) throw new Error('no host');
    };
    const a = switched('network.a');
    const { desk, defects } = start([a.check], [fakeRule('network.a')], nothing, broken);
    await pass(1);
    expect([desk.verdict().standing, defects]).toEqual(['undetermined', [new Error('no host')]]);
    await pass(5_000);
    expect(desk.verdict().standing).toBe('clear');
  });

  it('stopping ends a run that goes on, and starts no other', async () => {
    const a = fakeCheck('network.a', { probe: () => new Promise(() => {}), timeoutMs: 60_000 });
    const { desk, defects } = start([a], [fakeRule('network.a')]);
    await pass(1);
    await desk.stop();
    desk.trigger();
    await pass(120_000);
    expect([vi.getTimerCount(), defects]).toEqual([0, []]);
  });
});

import { expect, test } from 'vitest';
import { type OneShot, runOnce } from '../../../../agent/run/one-shot.ts';
import type { OpenedHost } from '../../../../agent/run/run-round.ts';
import type { AnyCheck } from '../../../../checks/check.ts';
import type { CheckId } from '../../../../contracts/finding.ts';
import type { Rule } from '../../../../contracts/policy.ts';
import type { Progress } from '../../../../contracts/progress.ts';
import { CheckDocument } from '../../../../contracts/report.ts';
import { fakeCheck, fakeSessionCheck, seen } from '../../../fakes/fake-check.ts';
import { fakeClock } from '../../../fakes/fake-clock.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

/** A check that gives these results in turn, and the last one from then on; `probed` counts. */
function scripted(id: string, results: readonly boolean[], overrides: Parameters<typeof fakeCheck>[1] = {}) {
  let probed = 0;
  const check = fakeCheck(id, { probe: async () => seen(results[Math.min(probed++, results.length - 1)] ?? true), ...overrides });
  return { check, probed: () => probed };
}

function prepare(checks: readonly AnyCheck[], rules: Rule[], overrides: Partial<OneShot> = {}) {
  const progress: Progress[] = [];
  const hosts = { opened: 0, closed: 0 };
  const clock = fakeClock();
  const makeHost = (): OpenedHost => {
    hosts.opened++;
    return { host: fakeDaemonHost({ clock }), close: async () => void hosts.closed++ };
  };
  const run: OneShot = {
    policy: fakePolicy(rules),
    plan: fakePlan(),
    allowlist: { revision: 4, createdAt: '2026-01-01T00:00:00.000Z' },
    checks,
    vantage: 'endpoint',
    makeHost,
    clock,
    signal: new AbortController().signal,
    onProgress: (event) => progress.push(event),
    ...overrides,
  };
  return { run, progress, hosts, clock };
}

/** A failing daemon rule would wait before it counts; one run does not. */
const waiting = { settleMs: 60_000, graceMs: 60_000, recoverRuns: 5 };

test('the whole document and its progress', async () => {
  const { check } = scripted('network.a', [false]);
  const { run, progress } = prepare(
    [check, fakeSessionCheck('device.s')],
    [fakeRule('network.a', waiting), fakeRule('device.s'), fakeRule('tls.lacking')],
  );
  const document = await runOnce(run);
  const now = '2026-01-01T00:00:00.000Z';
  const common = {
    venue: 'daemon',
    vantage: 'endpoint',
    partial: false,
    observedAt: now,
    since: now,
    lastPassAt: null,
    badForMs: 0,
    goodRuns: 0,
    tookMs: 0,
  };
  const failing = {
    ...common,
    rule: 'network.a',
    check: 'network.a',
    revision: 3,
    outcome: { kind: 'fail', reason: 'not-ok', args: {} },
    evidence: { ok: false, padding: '' },
  };
  const lacking = {
    ...common,
    rule: 'tls.lacking',
    check: 'tls.lacking',
    revision: 0,
    outcome: { kind: 'unknown', cause: 'unsupported', detail: 'tls.lacking' },
    evidence: null,
  };
  const cause = { explains: [], blocksAt: null, waiver: null };
  expect(CheckDocument.parse(document)).toEqual({
    schema: 1,
    verdict: {
      policy: { id: 'test', revision: 1 },
      allowlist: { revision: 4 },
      standing: 'blocked',
      causes: [
        { ...cause, rule: 'network.a', check: 'network.a', enforcement: 'block' },
        { ...cause, rule: 'tls.lacking', check: 'tls.lacking', enforcement: 'note' },
      ],
      undetermined: [],
      blocksAt: null,
      waivers: [],
      decidedAt: now,
      validUntil: '2026-01-01T00:01:00.000Z',
    },
    findings: [failing, lacking],
    policy: { id: 'test', revision: 1 },
    allowlist: { revision: 4, createdAt: now },
    startedAt: now,
    finishedAt: now,
  });
  const told = progress.map((event) => (event.kind === 'finding' ? [event.round, event.finding.rule] : event));
  expect(told[0]).toEqual({
    kind: 'started',
    rules: [
      { rule: 'network.a', check: 'network.a' },
      { rule: 'tls.lacking', check: 'tls.lacking' },
    ],
    notRun: ['device.s'],
  });
  expect(told.slice(1, 3)).toEqual(
    expect.arrayContaining([
      [0, 'network.a'],
      [0, 'tls.lacking'],
    ]),
  );
  expect(told.slice(3)).toEqual([[1, 'network.a'], [2, 'network.a'], { kind: 'verdict', verdict: document.verdict }]);
});

test.each<[string, boolean[], { probed: number; opened: number; standing: string }]>([
  ['a pass is not probed again', [true], { probed: 1, opened: 1, standing: 'clear' }],
  ['a blip counts as passed', [false, true], { probed: 2, opened: 2, standing: 'clear' }],
  ['the second re-probe may still pass', [false, false, true], { probed: 3, opened: 3, standing: 'clear' }],
  ['three failures count', [false, false, false, true], { probed: 3, opened: 3, standing: 'blocked' }],
])('%s', async (_name, results, expected) => {
  const { check, probed } = scripted('network.a', results);
  const { run, hosts } = prepare([check], [fakeRule('network.a', waiting)]);
  const { verdict } = await runOnce(run);
  expect({ probed: probed(), opened: hosts.opened, standing: verdict.standing }).toEqual(expected);
  expect(hosts.closed).toBe(hosts.opened);
});

test('only what is still bad is probed again', async () => {
  const good = scripted('network.good', [true]);
  const blip = scripted('network.blip', [false, true]);
  const bad = scripted('network.bad', [false]);
  const { run } = prepare(
    [good.check, blip.check, bad.check],
    ['network.good', 'network.blip', 'network.bad'].map((id) => fakeRule(id)),
  );
  const { findings } = await runOnce(run);
  expect([good.probed(), blip.probed(), bad.probed()]).toEqual([1, 2, 3]);
  expect(findings.map(({ rule, outcome }) => [rule, outcome.kind])).toEqual([
    ['network.good', 'pass'],
    ['network.blip', 'pass'],
    ['network.bad', 'fail'],
  ]);
});

test('a check with a least interval is probed once, and its failure counts', async () => {
  const { check, probed } = scripted('network.a', [false, true], { minIntervalMs: 60_000 });
  const { run } = prepare([check], [fakeRule('network.a', waiting)]);
  expect((await runOnce(run)).verdict.standing).toBe('blocked');
  expect(probed()).toBe(1);
});

test.each<[string, Parameters<typeof fakeCheck>[1], string]>([
  ['a probe that hangs', { probe: () => new Promise<never>(() => {}), timeoutMs: 10 }, 'timed-out'],
  ['a probe that throws', { probe: () => Promise.reject(new Error('no')) }, 'crashed'],
  ['evidence that is too large', { probe: async () => seen(true, 'x'.repeat(17 * 1024)) }, 'crashed'],
])('%s holds no other rule up', async (_name, overrides, cause) => {
  const { run, hosts } = prepare(
    [fakeCheck('network.a', overrides), fakeCheck('network.b')],
    [fakeRule('network.a'), fakeRule('network.b')],
  );
  const { findings, verdict } = await runOnce(run);
  expect(findings.map(({ outcome }) => outcome)).toEqual([expect.objectContaining({ kind: 'unknown', cause }), { kind: 'pass' }]);
  expect(verdict.standing).toBe('caution');
  expect(hosts).toEqual({ opened: 3, closed: 3 });
});

test('rules outside --only are left out of the run and of the verdict', async () => {
  const other = scripted('network.b', [false]);
  const { run, progress } = prepare([fakeCheck('network.a'), other.check], [fakeRule('network.a'), fakeRule('network.b')], {
    only: ['network.a' as CheckId],
  });
  const { verdict, findings } = await runOnce(run);
  expect([verdict.standing, verdict.undetermined, findings.length, other.probed()]).toEqual(['clear', [], 1, 0]);
  expect(progress[0]).toEqual({ kind: 'started', rules: [{ rule: 'network.a', check: 'network.a' }], notRun: [] });
});

test('a rule that passed long before the end of a slow run is not stale', async () => {
  const { run, clock } = prepare(
    [
      fakeCheck('network.quick'),
      fakeCheck('network.slow', {
        probe: async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          clock.advance(60_000);
          return seen(false);
        },
      }),
    ],
    [fakeRule('network.quick', { everyMs: 1_000 }), fakeRule('network.slow', { everyMs: 1_000 })],
  );
  const { verdict, findings } = await runOnce(run);
  expect([verdict.standing, verdict.undetermined]).toEqual(['blocked', []]);
  expect(findings.map(({ badForMs }) => badForMs)).toEqual([0, 120_000]);
});

test('no rules are clear', async () => {
  const { run, hosts } = prepare([], []);
  expect((await runOnce(run)).verdict.standing).toBe('clear');
  expect(hosts.opened).toBe(0);
});

test('an abort in the middle closes the host and rejects with its reason', async () => {
  const stop = new AbortController();
  const hang = fakeCheck('network.a', {
    probe: () => {
      stop.abort(new Error('Ctrl-C'));
      return new Promise<never>(() => {});
    },
  });
  const { run, hosts, progress } = prepare([hang], [fakeRule('network.a')], { signal: stop.signal });
  await expect(runOnce(run)).rejects.toThrow('Ctrl-C');
  expect(hosts).toEqual({ opened: 1, closed: 1 });
  expect(progress.map(({ kind }) => kind)).toEqual(['started']);
});

test('an abort before the start opens nothing', async () => {
  const { run, hosts } = prepare([fakeCheck('network.a')], [fakeRule('network.a')], { signal: AbortSignal.abort(new Error('early')) });
  await expect(runOnce(run)).rejects.toThrow('early');
  expect(hosts.opened).toBe(0);
});

test('a listener that throws still leaves no host open', async () => {
  const { run, hosts } = prepare([fakeCheck('network.a')], [fakeRule('network.a')], {
    onProgress: ({ kind }) => {
      if (kind === 'finding') throw new Error('EPIPE');
    },
  });
  await expect(runOnce(run)).rejects.toThrow('EPIPE');
  expect(hosts).toEqual({ opened: 1, closed: 1 });
});

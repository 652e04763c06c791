import { expect, test } from 'vitest';
import { z } from 'zod';
import { observeRule, type RuleRun } from '../../../../agent/run/run-rule.ts';
import type { Check } from '../../../../checks/check.ts';
import type { Rule } from '../../../../contracts/policy.ts';
import { fakeCheck, seen } from '../../../fakes/fake-check.ts';
import { fakeClock } from '../../../fakes/fake-clock.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';

const never = () => new Promise<never>(() => {});
const crashed = (detail: string): RuleRun => ({ outcome: { kind: 'unknown', cause: 'crashed', detail }, evidence: null, tookMs: 0 });
const idle = (because: 'vantage' | 'platform' | 'feature-absent'): RuleRun => ({
  outcome: { kind: 'not-applicable', because },
  evidence: null,
  tookMs: 0,
});
const evidenceOf = (ok: boolean, padding = '') => ({ ok, padding });
/** `{"ok":true,"padding":""}` */
const EMPTY_EVIDENCE_BYTES = 24;

test.each<[string, Check<'daemon'>, Pick<Rule, 'params' | 'vantage'>, RuleRun]>([
  ['a pass', fakeCheck('network.a'), { params: {} }, { outcome: { kind: 'pass' }, evidence: evidenceOf(true), tookMs: 0 }],
  [
    'a failure',
    fakeCheck('network.a', { probe: async () => seen(false) }),
    { params: {} },
    { outcome: { kind: 'fail', reason: 'not-ok', args: {} }, evidence: evidenceOf(false), tookMs: 0 },
  ],
  [
    'a probe that could not look',
    fakeCheck('network.a', { probe: async () => ({ seen: false, cause: 'denied', detail: 'x'.repeat(600) }) }),
    { params: {} },
    { outcome: { kind: 'unknown', cause: 'denied', detail: 'x'.repeat(500) }, evidence: null, tookMs: 0 },
  ],
  [
    'a probe that hangs and heeds no signal',
    fakeCheck('network.a', { probe: never, timeoutMs: 20 }),
    { params: {} },
    { outcome: { kind: 'unknown', cause: 'timed-out', detail: 'no result within 20 ms' }, evidence: null, tookMs: 0 },
  ],
  [
    'a probe that rejects once its deadline has passed',
    fakeCheck('network.a', {
      timeoutMs: 20,
      probe: (_host, _ask, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('late')))),
    }),
    { params: {} },
    { outcome: { kind: 'unknown', cause: 'timed-out', detail: 'no result within 20 ms' }, evidence: null, tookMs: 0 },
  ],
  [
    'a probe that throws: the first line, cut, without a stack',
    fakeCheck('network.a', { probe: () => Promise.reject(new Error(`${'long '.repeat(100)}\n  at secret (/home/agent/x.ts)`)) }),
    { params: {} },
    crashed('long '.repeat(40)),
  ],
  [
    'a probe that throws at once',
    fakeCheck('network.a', {
      probe: () => {
        throw new Error('at once');
      },
    }),
    { params: {} },
    crashed('at once'),
  ],
  [
    'a probe that throws no Error',
    fakeCheck('network.a', { probe: () => Promise.reject(null) }),
    { params: {} },
    crashed('threw something that is no Error'),
  ],
  [
    'an unscripted call',
    fakeCheck('network.a', { probe: async (host) => seen((await host.net.resolve('acme.my.connect.aws', 4)).addresses.length > 0) }),
    { params: {} },
    crashed('unscripted call: resolve acme.my.connect.aws 4'),
  ],
  [
    'evidence that does not fit its schema',
    fakeCheck('network.a', { evidence: z.strictObject({ ok: z.literal(false), padding: z.string() }) as never }),
    { params: {} },
    crashed('evidence does not fit its schema: ok: Invalid input: expected false'),
  ],
  [
    'evidence at the limit',
    fakeCheck('network.a', { probe: async () => seen(true, 'x'.repeat(16 * 1024 - EMPTY_EVIDENCE_BYTES)) }),
    { params: {} },
    { outcome: { kind: 'pass' }, evidence: evidenceOf(true, 'x'.repeat(16 * 1024 - EMPTY_EVIDENCE_BYTES)), tookMs: 0 },
  ],
  [
    'evidence above the limit, counted in bytes',
    fakeCheck('network.a', { probe: async () => seen(true, 'é'.repeat(8 * 1024)) }),
    { params: {} },
    crashed('evidence too large'),
  ],
  ['parameters that do not fit', fakeCheck('network.a'), { params: { no: 1 } }, crashed('value: Unrecognized key: "no"')],
  [
    'a judgement that throws',
    fakeCheck('network.a', {
      evaluate: () => {
        throw new Error('judge');
      },
    }),
    { params: {} },
    crashed('judge'),
  ],
  [
    'a judgement that no report could carry',
    fakeCheck('network.a', { evaluate: () => ({ kind: 'fail', reason: 'not-ok', args: { took: Number.NaN } }) }),
    { params: {} },
    crashed('args.took: Invalid input'),
  ],
  ['another platform', fakeCheck('network.a', { probe: { darwin: never } }), { params: {} }, idle('platform')],
  [
    'nothing to look at',
    fakeCheck('network.a', { notApplicable: () => 'feature-absent', probe: never }),
    { params: {} },
    idle('feature-absent'),
  ],
  ['a rule of another vantage', fakeCheck('network.a', { probe: never }), { params: {}, vantage: 'vdi-guest' }, idle('vantage')],
])('%s', async (_name, check, rule, expected) => {
  expect(await observeRule(rule, check, fakeDaemonHost(), fakePlan(), AbortSignal.timeout(5_000))).toEqual(expected);
});

test('what the probe took is told by the monotonic clock', async () => {
  const clock = fakeClock();
  const check = fakeCheck('network.a', {
    probe: async () => {
      clock.advance(41.6);
      clock.setWall(0);
      return seen(true);
    },
  });
  const { tookMs } = await observeRule({ params: {} }, check, fakeDaemonHost({ clock }), fakePlan(), new AbortController().signal);
  expect(tookMs).toBe(42);
});

test('the signal ends a probe that hangs, and the probe is told', async () => {
  const stop = new AbortController();
  let told = false;
  const check = fakeCheck('network.a', {
    probe: (_host, _ask, signal) => {
      signal.addEventListener('abort', () => (told = true));
      return never();
    },
  });
  const running = observeRule({ params: {} }, check, fakeDaemonHost(), fakePlan(), stop.signal);
  stop.abort();
  expect((await running).outcome).toEqual({ kind: 'unknown', cause: 'not-collected', detail: 'stopped' });
  expect(told).toBe(true);
});

test('a signal that has ended already leaves the probe alone', async () => {
  const check = fakeCheck('network.a', { probe: () => Promise.reject(new Error('probed')) });
  const { outcome } = await observeRule({ params: {} }, check, fakeDaemonHost(), fakePlan(), AbortSignal.abort());
  expect(outcome).toEqual({ kind: 'unknown', cause: 'not-collected', detail: 'stopped' });
});

test('no timer outlives a run, or the process would wait for it', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await observeRule(
    { params: {} },
    fakeCheck('network.a', { timeoutMs: 60_000 }),
    fakeDaemonHost(),
    fakePlan(),
    new AbortController().signal,
  );
  expect(timers()).toBe(before);
});

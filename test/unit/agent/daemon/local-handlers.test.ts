import { expect, it } from 'vitest';
import { answerLocalApi } from '../../../../agent/daemon/local-handlers.ts';
import { CheckId } from '../../../../contracts/finding.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import { fakeCheck, fakeSessionCheck } from '../../../fakes/fake-check.ts';
import { fakeClock } from '../../../fakes/fake-clock.ts';

const history = { quality: [], standings: [{ at: '2026-01-01T08:00:00.000Z', standing: 'clear' as const, causes: [] }], watched: [] };

function prepare(uid = 1_000) {
  const triggered: (string | undefined)[] = [];
  const windows: string[][] = [];
  const submitted: unknown[] = [];
  const codes: (string | undefined)[] = [];
  const activities: string[] = [];
  const clock = fakeClock();
  const handlers = answerLocalApi({
    uid,
    recheck(check) {
      triggered.push(check);
      return check === 'network.slow' ? 600_500 : 0;
    },
    submit(check, reading) {
      submitted.push([check.id, reading]);
      return reading.seen && reading.evidence === 'bad' ? 'a flaw' : null;
    },
    onActivity: (says) => activities.push(says),
    async release(code) {
      codes.push(code);
      return code === '00000000' ? { ok: false, code: 'wrong-code', detail: '' } : { ok: true, until: '2026-01-01T09:00:00.000Z' };
    },
    onWindow: (applied, at) => windows.push([applied, at]),
    checks: [fakeCheck('network.a'), fakeCheck('network.b'), fakeCheck('network.slow'), fakeSessionCheck('device.s')],
    snapshot: () => ({ verdict: null }) as Snapshot,
    history: () => history,
    clock,
  });
  return { handlers, clock, triggered, windows, submitted, codes, activities };
}
const seen = (evidence: unknown) => ({ seen: true as const, evidence });
const a = CheckId.parse('network.a');
const b = CheckId.parse('network.b');

it('gives the snapshot', async () => {
  expect(await prepare().handlers.snapshot()).toEqual({ ok: true, value: { verdict: null } });
});

it('gives the history of the day', async () => {
  expect(await prepare().handlers.history()).toEqual({ ok: true, value: history });
});

it('runs one check, or all', async () => {
  const { handlers, triggered, clock } = prepare();
  await handlers.recheck({ check: a });
  clock.advance(5_000);
  await handlers.recheck({});
  expect(triggered).toEqual(['network.a', undefined]);
});

it('refuses to look again at once, and says how long to wait', async () => {
  const { handlers, triggered, clock } = prepare();
  await handlers.recheck({});
  clock.advance(1_500);
  expect(await handlers.recheck({})).toEqual({ ok: false, error: { code: 'too-soon', detail: '4 s', retryInMs: 3_500 } });
  expect(await handlers.recheck({ check: b })).toMatchObject({ ok: false, error: { code: 'too-soon' } });
  clock.advance(3_500);
  expect(await handlers.recheck({ check: b })).toEqual({ ok: true, value: undefined });
  expect(await handlers.recheck({ check: a })).toEqual({ ok: true, value: undefined });
  expect(triggered).toEqual([undefined, 'network.b', 'network.a']);
});

it('says so where a check keeps its distance', async () => {
  const { handlers, triggered } = prepare();
  const check = CheckId.parse('network.slow');
  expect(await handlers.recheck({ check })).toEqual({ ok: false, error: { code: 'too-soon', detail: '601 s', retryInMs: 600_500 } });
  expect(triggered).toEqual(['network.slow']);
});

it.each([
  ['a check that nobody has', 'network.zzz'],
  ['a check of the session', 'device.s'],
])('refuses to run %s', async (_name, check) => {
  const { handlers, triggered } = prepare();
  expect(await handlers.recheck({ check: CheckId.parse(check) })).toEqual({ ok: false, error: { code: 'unknown-check', detail: check } });
  expect(triggered).toEqual([]);
});

it.each([
  ['of a check that runs in the daemon', 'network.a', 'not-allowed'],
  ['of a check that nobody has', 'network.zzz', 'unknown-check'],
])('takes no evidence %s', async (_name, check, code) => {
  const { handlers } = prepare();
  expect(await handlers.submitEvidence({ check: CheckId.parse(check), reading: seen({}) })).toMatchObject({ ok: false, error: { code } });
});

it('passes on what the window says it did', async () => {
  const { handlers, windows } = prepare();
  const at = '2026-01-01T08:00:00.000Z';
  expect(await handlers.acknowledgeWindow({ applied: 'banner', at })).toEqual({ ok: true, value: undefined });
  expect(windows).toEqual([['banner', at]]);
});

it('hands on evidence of the session, and no more of it than a probe can have', async () => {
  const { handlers, submitted, clock } = prepare();
  const check = CheckId.parse('device.s');
  expect(await handlers.submitEvidence({ check, reading: seen({}) })).toEqual({ ok: true, value: undefined });
  expect(await handlers.submitEvidence({ check, reading: seen({}) })).toMatchObject({ ok: false, error: { code: 'too-soon' } });
  clock.advance(5_000);
  expect(await handlers.submitEvidence({ check, reading: seen('bad') })).toEqual({
    ok: false,
    error: { code: 'bad-request', detail: 'a flaw' },
  });
  expect(submitted).toEqual([
    ['device.s', seen({})],
    ['device.s', seen('bad')],
  ]);
  clock.advance(5_000);
  const blind = { seen: false as const, cause: 'timed-out' as const, detail: '12 s' };
  expect(await handlers.submitEvidence({ check, reading: blind })).toEqual({ ok: true, value: undefined });
  expect(submitted.at(-1)).toEqual(['device.s', blind]);
});

it('passes on what the session says of its contacts', async () => {
  const { handlers, activities } = prepare();
  await handlers.reportActivity({ says: 'on-call' });
  expect(activities).toEqual(['on-call']);
});

it('a user needs a code for a release, root needs none', async () => {
  const user = prepare();
  expect(await user.handlers.release({})).toMatchObject({ ok: false, error: { code: 'not-allowed' } });
  expect(await user.handlers.release({ code: '00000000' })).toMatchObject({ ok: false, error: { code: 'wrong-code' } });
  expect(await user.handlers.release({ code: '12345678' })).toEqual({ ok: true, value: { until: '2026-01-01T09:00:00.000Z' } });
  expect(user.codes).toEqual(['00000000', '12345678']);
  const root = prepare(0);
  expect(await root.handlers.release({})).toEqual({ ok: true, value: { until: '2026-01-01T09:00:00.000Z' } });
  expect(root.codes).toEqual([undefined]);
});

import { expect, it } from 'vitest';
import { nextRunMs } from '../../../../agent/daemon/next-run.ts';
import { recordRun } from '../../../../checks/history.ts';
import type { RuleHistory } from '../../../../contracts/history.ts';
import type { Outcome } from '../../../../contracts/outcome.ts';
import { fakeRule } from '../../../fakes/fake-policy.ts';

const rule = fakeRule('network.a', { everyMs: 300_000, settleMs: 30_000 });
const pass: Outcome = { kind: 'pass' };
const fail: Outcome = { kind: 'fail', reason: 'r', args: {} };

/** Runs ten seconds apart. */
function after(...outcomes: Outcome[]): RuleHistory {
  let past: RuleHistory | undefined;
  for (const [index, outcome] of outcomes.entries())
    past = recordRun(past, rule, outcome, { awakeMs: index * 10_000, wallIso: '2026-01-01T00:00:00.000Z' });
  if (!past) throw new Error('no run');
  return past;
}

it.each([
  ['good: its cadence', after(pass), 0, 0, 300_000],
  ['good: a tenth sooner at most', after(pass), 0, 1, 270_000],
  ['bad for the first time: confirmed within what settling takes', after(pass, fail), 0, 0.5, 10_000],
  ['bad and settled: twice a minute', after(fail, fail, fail, fail), 0, 0.5, 30_000],
  ['recovering: as soon', after(fail, fail, fail, fail, pass), 0, 0.5, 30_000],
  ['a probe that loads other servers keeps its distance', after(pass, fail), 900_000, 0.5, 900_000],
])('%s', (_name, past, minIntervalMs, random, expected) => {
  expect(nextRunMs(rule, minIntervalMs, past, 5_000, random)).toBe(5_000 + expected);
});

it('what is only noted keeps its own pace', () => {
  const noted = fakeRule('network.a', { everyMs: 300_000, on: { fail: 'note', degraded: 'note', unknown: 'note' } });
  const past = recordRun(undefined, noted, fail, { awakeMs: 0, wallIso: '2026-01-01T00:00:00.000Z' });
  expect(nextRunMs(noted, 0, past, 0, 0)).toBe(300_000);
});

it('never waits longer than the cadence', () => {
  const quick = fakeRule('network.a', { everyMs: 5_000, settleMs: 60_000 });
  expect(nextRunMs(quick, 0, after(fail), 0, 0)).toBe(5_000);
});

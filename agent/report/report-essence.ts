import type { Finding } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import type { Report } from '../../contracts/report.ts';

/**
 * What of a finding is worth a report. Not its evidence, which holds timings that differ at every run, nor the numbers and
 * error texts in the outcome, for the same reason; `since` differs when the outcome went and came back meanwhile.
 */
export function findingEssence({ check, revision, venue, vantage, outcome, since }: Finding): string {
  return JSON.stringify([check, revision, venue, vantage, outcomeEssence(outcome), since]);
}

/**
 * What of the gate is worth a report. Not the activity: it changes with every call, and travels with heartbeats. Of the
 * enforcers not their notes' words.
 */
export function gateEssence({ mode, state, wouldBe, reason, enforcers }: Report['gate']): string {
  const done = enforcers.map(({ targets, ...enforcer }) => [
    enforcer,
    targets.map(({ target, state: found, notes }) => [target, found, notes.map(({ code }) => code)]),
  ]);
  return JSON.stringify([mode, state, wouldBe, reason, done]);
}

function outcomeEssence(outcome: Outcome): unknown {
  if (outcome.kind === 'unknown') return [outcome.kind, outcome.cause];
  if (outcome.kind !== 'fail' && outcome.kind !== 'degraded') return outcome;
  const { kind, reason, args } = outcome;
  return [kind, reason, Object.entries(args).filter(([, value]) => typeof value !== 'number')];
}

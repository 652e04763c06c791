import type { RuleHistory } from '../contracts/history.ts';
import type { Outcome } from '../contracts/outcome.ts';
import { isBad } from '../contracts/outcome.ts';
import type { Rule } from '../contracts/policy.ts';

export interface RunTime {
  /** Monotonic time that stands still while the computer sleeps, in milliseconds. */
  awakeMs: number;
  /** For display only. */
  wallIso: string;
}

/**
 * Adds one run to a rule's history. A streak starts at its first bad run, survives changes among the bad outcomes, and
 * ends only after `recoverRuns` good runs in a row, settled or not, so that an outcome which alternates still settles.
 */
export function recordRun(
  previous: RuleHistory | undefined,
  rule: Pick<Rule, 'settleMs' | 'recoverRuns'>,
  outcome: Outcome,
  now: RunTime,
): RuleHistory {
  const before = previous && rebase(previous, now.awakeMs);
  const seen = {
    observedAtMs: now.awakeMs,
    kind: outcome.kind,
    kindSince: before?.kind === outcome.kind ? before.kindSince : now.wallIso,
    lastPassAt: outcome.kind === 'pass' ? now.wallIso : (before?.lastPassAt ?? null),
  };
  if (isBad(outcome)) {
    const badSinceMs = before?.badSinceMs ?? now.awakeMs;
    const lasted = now.awakeMs - badSinceMs >= rule.settleMs;
    return { ...seen, badSinceMs, lastBad: outcome, settledAtMs: before?.settledAtMs ?? (lasted ? now.awakeMs : null), goodRuns: 0 };
  }
  const goodRuns = (before?.goodRuns ?? 0) + 1;
  if (before === undefined || goodRuns >= rule.recoverRuns) {
    return { ...seen, badSinceMs: null, lastBad: null, settledAtMs: null, goodRuns };
  }
  const { badSinceMs, lastBad, settledAtMs } = before;
  return { ...seen, badSinceMs, lastBad, settledAtMs, goodRuns };
}

/** Monotonic time that went back is that of another boot: the streak goes on, and the time between counts for nothing. */
function rebase(past: RuleHistory, awakeMs: number): RuleHistory {
  if (awakeMs >= past.observedAtMs) return past;
  const moved = (ms: number | null) => (ms === null ? null : ms + awakeMs - past.observedAtMs);
  return { ...past, observedAtMs: awakeMs, badSinceMs: moved(past.badSinceMs), settledAtMs: moved(past.settledAtMs) };
}

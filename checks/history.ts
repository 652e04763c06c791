import type { RuleHistory, Streak } from '../contracts/history.ts';
import type { Outcome } from '../contracts/outcome.ts';
import { isBad } from '../contracts/outcome.ts';
import type { Enforcement, Rule } from '../contracts/policy.ts';
import { enforcementOf, isAtLeast } from './enforcement.ts';

export interface RunTime {
  /** Monotonic time that stands still while the computer sleeps, in milliseconds. */
  awakeMs: number;
  /** For display only. */
  wallIso: string;
}

/**
 * Adds one run to a rule's history. There is a streak for each thing a rule can enforce: it starts at the first run that
 * enforces so much, survives changes among the outcomes that do, settles after `settleMs`, and ends after `recoverRuns` runs
 * in a row that do not. So a block needs its own time to settle, and neither one good run nor one blind one takes it away.
 */
export function recordRun(
  previous: RuleHistory | undefined,
  rule: Pick<Rule, 'settleMs' | 'recoverRuns' | 'on'>,
  outcome: Outcome,
  now: RunTime,
): RuleHistory {
  const before = previous && rebase(previous, now.awakeMs);
  const enforcement = enforcementOf(rule, outcome);
  const go = (level: Enforcement): Streak | null => {
    const streak = before?.streaks[level] ?? null;
    return isBad(outcome) && isAtLeast(enforcement, level) ? extend(streak, rule, outcome, now.awakeMs) : miss(streak, rule);
  };
  return {
    streaks: { note: go('note'), warn: go('warn'), block: go('block') },
    observedAtMs: now.awakeMs,
    goodRuns: isBad(outcome) ? 0 : (before?.goodRuns ?? 0) + 1,
    kind: outcome.kind,
    kindSince: before?.kind === outcome.kind ? before.kindSince : now.wallIso,
    lastPassAt: outcome.kind === 'pass' ? now.wallIso : (before?.lastPassAt ?? null),
  };
}

function extend(streak: Streak | null, rule: Pick<Rule, 'settleMs'>, lastBad: Streak['lastBad'], awakeMs: number): Streak {
  const sinceMs = streak?.sinceMs ?? awakeMs;
  const settledAtMs = streak?.settledAtMs ?? (awakeMs - sinceMs >= rule.settleMs ? awakeMs : null);
  return { sinceMs, settledAtMs, lastBad, missedRuns: 0 };
}

function miss(streak: Streak | null, rule: Pick<Rule, 'recoverRuns'>): Streak | null {
  if (streak === null || streak.missedRuns + 1 >= rule.recoverRuns) return null;
  return { ...streak, missedRuns: streak.missedRuns + 1 };
}

/** Monotonic time that went back is that of another boot: the streaks go on, and the time between counts for nothing. */
function rebase(past: RuleHistory, awakeMs: number): RuleHistory {
  if (awakeMs >= past.observedAtMs) return past;
  const byMs = awakeMs - past.observedAtMs;
  const moved = (streak: Streak | null): Streak | null =>
    streak && { ...streak, sinceMs: streak.sinceMs + byMs, settledAtMs: streak.settledAtMs === null ? null : streak.settledAtMs + byMs };
  const { note, warn, block } = past.streaks;
  return { ...past, observedAtMs: awakeMs, streaks: { note: moved(note), warn: moved(warn), block: moved(block) } };
}

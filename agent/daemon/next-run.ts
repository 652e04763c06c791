import type { RuleHistory } from '../../contracts/history.ts';
import type { Rule } from '../../contracts/policy.ts';

/** A streak is confirmed this many times within its `settleMs`, so that it settles when it should and not a cadence later. */
const CONFIRMATIONS = 3;
const SHORTEST_MS = 1_000;
/** Someone who cannot work waits for the next look, so that what is bad is looked at again sooner than what is good. */
const WHILE_BAD_MS = 30_000;
/** Desks that were switched on together drift apart instead of asking the same servers in the same second. */
const JITTER = 0.1;

/**
 * When a rule runs next, on the clock that stood at `finishedMs` when its last run ended. `random` is in [0, 1).
 * A streak that has not settled is confirmed at once; one that has, and a recovery, are looked at every 30 s.
 */
export function nextRunMs(rule: Rule, minIntervalMs: number, past: RuleHistory, finishedMs: number, random: number): number {
  return finishedMs + Math.max(minIntervalMs, Math.min(rule.everyMs, waitMs(rule, past, random)));
}

/**
 * From when on a rule runs along with one that is due. Rules that run together share names, connections and the process that asks
 * the operating system; each on its own, drifting apart, they cost four times as much.
 */
export function alongMs(dueMs: number, past: RuleHistory | undefined): number {
  return past ? dueMs - JITTER * Math.max(0, dueMs - past.observedAtMs) : dueMs;
}

function waitMs(rule: Rule, { streaks }: RuleHistory, random: number): number {
  // What is only noted keeps nobody from anything, and its own pace.
  const alive = [streaks.warn, streaks.block].filter((streak) => streak !== null);
  if (alive.length === 0) return rule.everyMs * (1 - JITTER * random);
  const unsettled = alive.some((streak) => streak.settledAtMs === null);
  return unsettled ? Math.max(SHORTEST_MS, rule.settleMs / CONFIRMATIONS) : WHILE_BAD_MS;
}

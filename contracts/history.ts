import { z } from 'zod';
import { Outcome } from './outcome.ts';

const [, degraded, fail, unknown] = Outcome.options;

/** Runs that each enforced at least so much, with fewer than `recoverRuns` runs between two of them. */
export const Streak = z.strictObject({
  /** Its first run. */
  sinceMs: z.number(),
  /** The run at which it had lasted the rule's `settleMs`. */
  settledAtMs: z.number().nullable(),
  /** What its latest run said. */
  lastBad: z.discriminatedUnion('kind', [degraded, fail, unknown]),
  /** Runs in a row since then that did not enforce so much. */
  missedRuns: z.int().nonnegative(),
});
export type Streak = z.infer<typeof Streak>;

/** What a desk remembers of one rule's runs. `…Ms` are awake-monotonic times, ISO times are wall clock and for display. */
export const RuleHistory = z.strictObject({
  /** By what the rule's `on` makes of an outcome; each holds the stricter ones too, so that `note` is every bad run. */
  streaks: z.strictObject({ note: Streak.nullable(), warn: Streak.nullable(), block: Streak.nullable() }),
  observedAtMs: z.number(),
  /** Good runs in a row since the last bad one. */
  goodRuns: z.int().nonnegative(),
  kind: z.enum(['pass', 'degraded', 'fail', 'unknown', 'not-applicable']),
  kindSince: z.iso.datetime(),
  lastPassAt: z.iso.datetime().nullable(),
});
export type RuleHistory = z.infer<typeof RuleHistory>;

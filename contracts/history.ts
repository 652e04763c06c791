import { z } from 'zod';
import { Outcome } from './outcome.ts';

const [, degraded, fail, unknown] = Outcome.options;

/** What a desk remembers of one rule's runs. `…Ms` are awake-monotonic times, ISO times are wall clock and for display. */
export const RuleHistory = z.strictObject({
  /** First bad run of the present streak; null when there is none. */
  badSinceMs: z.number().nullable(),
  observedAtMs: z.number(),
  /** The streak's latest bad outcome. */
  lastBad: z.discriminatedUnion('kind', [degraded, fail, unknown]).nullable(),
  /** The bad run at which the streak had lasted the rule's `settleMs`. */
  settledAtMs: z.number().nullable(),
  /** Good runs in a row since the last bad one. */
  goodRuns: z.int().nonnegative(),
  kind: z.enum(['pass', 'degraded', 'fail', 'unknown', 'not-applicable']),
  kindSince: z.iso.datetime(),
  lastPassAt: z.iso.datetime().nullable(),
});
export type RuleHistory = z.infer<typeof RuleHistory>;

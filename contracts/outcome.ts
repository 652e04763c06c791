import { z } from 'zod';

/** Why we could not look, or could not tell. Never a reason to call a workstation good or bad. */
export const BlindCause = z.enum([
  'denied',
  'timed-out',
  'tool-missing',
  'unreadable',
  'no-session',
  'crashed',
  'inconclusive',
  'unsupported',
  'not-collected',
]);
export type BlindCause = z.infer<typeof BlindCause>;

/** Why a check has nothing to say on this desk. */
export const NotApplicableReason = z.enum([
  'platform',
  'feature-absent',
  'vantage',
  'media-redirected',
  'no-documented-host',
  'proxied',
  'not-configured',
]);
export type NotApplicableReason = z.infer<typeof NotApplicableReason>;

/** Values a text may show. Bounded, because they travel in every report; long enough to name every host of a large plan. */
export const MAX_ARG_LENGTH = 2_000;
export const MAX_DETAIL_LENGTH = 500;
export const Args = z.record(z.string(), z.union([z.string().max(MAX_ARG_LENGTH), z.number(), z.boolean()]));
export type Args = z.infer<typeof Args>;

export const Outcome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pass') }),
  z.strictObject({ kind: z.literal('degraded'), reason: z.string(), args: Args }),
  z.strictObject({ kind: z.literal('fail'), reason: z.string(), args: Args }),
  z.strictObject({ kind: z.literal('unknown'), cause: BlindCause, detail: z.string().max(MAX_DETAIL_LENGTH) }),
  z.strictObject({ kind: z.literal('not-applicable'), because: NotApplicableReason }),
]);
export type Outcome = z.infer<typeof Outcome>;

/** True for the outcomes that a rule's `on` enforces. */
export function isBad(outcome: Outcome): outcome is Extract<Outcome, { kind: 'fail' | 'degraded' | 'unknown' }> {
  return outcome.kind === 'fail' || outcome.kind === 'degraded' || outcome.kind === 'unknown';
}

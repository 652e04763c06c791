import { z } from 'zod';
import { Outcome } from './outcome.ts';

export const Domain = z.enum(['network', 'tls', 'browser', 'softphone', 'device']);
export type Domain = z.infer<typeof Domain>;

/** `<domain>.<name>`: permanent, the same on every operating system. */
export const CheckId = z
  .string()
  .regex(/^(network|tls|browser|softphone|device)\.[a-z0-9]+(-[a-z0-9]+)*$/, 'expected <domain>.<kebab-case-name>')
  .max(80)
  .brand<'CheckId'>();
export type CheckId = z.infer<typeof CheckId>;

export const RuleId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, dots and hyphens')
  .max(100)
  .brand<'RuleId'>();
export type RuleId = z.infer<typeof RuleId>;

/** Where a probe can run: the privileged daemon, or the user's session (evidence only, less trusted). */
export const Venue = z.enum(['daemon', 'session']);
export type Venue = z.infer<typeof Venue>;

/** What the desk is: the agent's own device, or the guest of a VDI whose media is redirected to that device. */
export const Vantage = z.enum(['endpoint', 'vdi-guest']);
export type Vantage = z.infer<typeof Vantage>;

export const Finding = z.strictObject({
  rule: RuleId,
  check: CheckId,
  /** Revision of the check that judged; 0 for a check this desk lacks. */
  revision: z.int().nonnegative(),
  venue: Venue,
  vantage: Vantage,
  outcome: Outcome,
  evidence: z.unknown(),
  /** True when fields of the evidence were removed before it left the desk. */
  partial: z.boolean(),
  observedAt: z.iso.datetime(),
  /** Since when the outcome's kind is what it is (wall clock, for display). */
  since: z.iso.datetime(),
  lastPassAt: z.iso.datetime().nullable(),
  /** How long the present bad streak has been observed, in awake milliseconds; 0 when not bad. */
  badForMs: z.int().nonnegative(),
  /** Good runs in a row since the last bad one. */
  goodRuns: z.int().nonnegative(),
  tookMs: z.int().nonnegative(),
});
export type Finding = z.infer<typeof Finding>;

import { z } from 'zod';
import { CheckId, RuleId } from './finding.ts';
import { Enforcement } from './policy.ts';

export const Standing = z.enum(['clear', 'caution', 'blocked', 'undetermined']);
export type Standing = z.infer<typeof Standing>;

export const Cause = z.strictObject({
  rule: RuleId,
  check: CheckId,
  enforcement: Enforcement,
  /** Rules whose bad outcome follows from this one. They still count in the standing. */
  explains: z.array(RuleId),
  /** When a blocking rule in its grace will block. */
  blocksAt: z.iso.datetime().nullable(),
  /** The waiver that turned its block into a warning. */
  waiver: z.uuid().nullable(),
});
export type Cause = z.infer<typeof Cause>;

export const Verdict = z.strictObject({
  policy: z.strictObject({ id: z.string(), revision: z.int().positive() }),
  allowlist: z.strictObject({ revision: z.int().positive() }),
  standing: Standing,
  causes: z.array(Cause),
  /** Blocking rules that could not be decided: missing, stale, or bad without an earlier pass and not yet settled. */
  undetermined: z.array(RuleId),
  /** Earliest time at which a rule in its grace will block. */
  blocksAt: z.iso.datetime().nullable(),
  /** Waivers in force. */
  waivers: z.array(z.uuid()),
  decidedAt: z.iso.datetime(),
  /** After this the verdict is `undetermined`. */
  validUntil: z.iso.datetime(),
});
export type Verdict = z.infer<typeof Verdict>;

/** What a verdict is worth at a later time: it decides nothing once it has expired. */
export function standingNow({ standing, validUntil }: Pick<Verdict, 'standing' | 'validUntil'>, nowWallMs: number): Standing {
  return nowWallMs > Date.parse(validUntil) ? 'undetermined' : standing;
}

import { z } from 'zod';
import { Standing } from '../verdict.ts';
import { PageLimit } from './page-limit.ts';

const Count = z.int().nonnegative();
const PerStanding = z.strictObject({ clear: Count, caution: Count, blocked: Count, undetermined: Count });

/** Why nothing is known of what a rule of the draft would say on a desk. */
export const NotCollectedReason = z.enum([
  'never-ran',
  /** Fields that the judgement needs did not leave the desk. */
  'partial',
  /** The desk's check is of another revision. */
  'other-revision',
  /** The draft's network asks of hosts that nobody looked at. */
  'other-plan',
  'not-looked',
  'unknown-check',
  'unfit',
]);

/**
 * What a draft would do, once everything has settled, to the desks that its maker may see. `unknown`: desks whose standing nobody
 * can tell, since a rule that can block was not collected; they may come to be blocked too.
 */
export const PreviewSummary = z.strictObject({
  reached: Count,
  newlyBlocked: Count,
  newlyClear: Count,
  newlyCaution: Count,
  unknown: Count,
  /** From the standing of now (outer) to that under the draft (inner). */
  moves: z.strictObject({ clear: PerStanding, caution: PerStanding, blocked: PerStanding, undetermined: PerStanding }),
  neverReported: Count,
  /** Not heard for a day: judged by what they said last. */
  silent: Count,
  /** Findings: judged anew; kept, since the draft asks what the desk has answered already; not to be judged at all. */
  evidence: z.strictObject({ judged: Count, kept: Count, notCollected: Count, desksNotCollected: Count }),
  rules: z
    .array(
      z.strictObject({
        rule: z.string().max(100),
        blocks: Count,
        newlyBlocks: Count,
        warns: Count,
        notCollected: z.partialRecord(NotCollectedReason, Count),
        reasons: z.array(z.strictObject({ reason: z.string().max(200), desks: Count })).max(20),
      }),
    )
    .max(200),
});
export type PreviewSummary = z.infer<typeof PreviewSummary>;

export const PreviewRequest = z.strictObject({
  /** Of the policy's revisions, published or not; the newest where none is named. */
  revision: z.int().positive().optional(),
  /** `assigned`: the desks that the policy is assigned to; `instance`: every desk, for one that is assigned to none yet. */
  reach: z.enum(['assigned', 'instance']).default('assigned'),
});
export const PreviewStarted = z.strictObject({ id: z.uuid() });

export const PreviewById = z.strictObject({ preview: z.uuid() });
export const PreviewAnswer = z.strictObject({
  id: z.uuid(),
  policy: z.string().max(64),
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  status: z.enum(['running', 'done', 'failed']),
  /** False: the draft reaches desks that its maker may not see. Such a preview is accepted for no publication. */
  complete: z.boolean(),
  madeAt: z.iso.datetime(),
  /** Null until it is done. */
  summary: PreviewSummary.nullable(),
});
export type PreviewAnswer = z.infer<typeof PreviewAnswer>;

export const PreviewDesksQuery = z.strictObject({
  limit: PageLimit,
  after: z.uuid().optional(),
  /** Only those that would come to stand so. */
  standing: Standing.optional(),
});
export const PreviewWhy = z.strictObject({
  why: z
    .array(
      z.strictObject({
        rule: z.string().max(100),
        enforcement: z.enum(['block', 'warn', 'note']),
        kind: z.enum(['pass', 'degraded', 'fail', 'unknown', 'not-applicable']),
        code: z.string().max(200).nullable(),
      }),
    )
    .max(200),
  notCollected: z.array(z.strictObject({ rule: z.string().max(100), because: NotCollectedReason })).max(200),
});
export const PreviewDesk = PreviewWhy.extend({
  device: z.uuid(),
  hostName: z.string().max(253),
  before: Standing,
  after: Standing,
});
export type PreviewDesk = z.infer<typeof PreviewDesk>;
export const PreviewDesksAnswer = z.strictObject({ items: z.array(PreviewDesk).max(200), next: z.uuid().nullable() });

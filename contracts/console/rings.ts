import { z } from 'zod';
import { Tags } from './access.ts';
import { PageQuery } from './access-calls.ts';
import { PageLimit } from './page-limit.ts';

// Rollout rings, their members, and notices to the people of a desk that somebody took out of one.

const RingName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'expected text without control characters');

export const Ring = z.strictObject({ id: z.uuid(), name: z.string().max(100), tags: z.record(z.string(), z.string()) });
export type Ring = z.infer<typeof Ring>;
export const RingsAnswer = z.strictObject({ items: z.array(Ring).max(200), next: z.uuid().nullable() });
export const AddRingRequest = z.strictObject({ name: RingName, tags: Tags.default({}) });
export type AddRingRequest = z.infer<typeof AddRingRequest>;
export const ChangeRingRequest = z
  .strictObject({ name: RingName.optional(), tags: Tags.optional() })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing');
export type ChangeRingRequest = z.infer<typeof ChangeRingRequest>;

export const RingMember = z.strictObject({
  /** Of the membership: it tells nothing of the desk. */
  id: z.uuid(),
  /** Null: a desk that the caller may not see. */
  desk: z.strictObject({ id: z.uuid(), hostName: z.string().max(253) }).nullable(),
});
export type RingMember = z.infer<typeof RingMember>;
export const RingMembersQuery = PageQuery;
export const RingMembersAnswer = z.strictObject({ items: z.array(RingMember).max(200), next: z.uuid().nullable() });
export const AttachRequest = z.strictObject({ desk: z.uuid() });
export const RingMemberParams = z.strictObject({ id: z.uuid(), member: z.uuid() });

export const NoticesQuery = z.strictObject({
  limit: PageLimit,
  after: z.string().max(300).optional(),
  unread: z.enum(['1']).optional().describe('Only those that the caller has not marked as read'),
});
export type NoticesQuery = z.infer<typeof NoticesQuery>;
export const Notice = z.strictObject({
  id: z.uuid(),
  /** The desk was taken out of a ring. */
  kind: z.literal('relation-removed'),
  at: z.iso.datetime(),
  desk: z.strictObject({ id: z.uuid(), hostName: z.string().max(253) }),
  /** With its name as it was. */
  ring: z.strictObject({ id: z.uuid(), name: z.string().max(100) }),
  by: z.uuid().nullable().describe('Account; null: the command line on the server'),
  /** By the caller; null: not yet. */
  readAt: z.iso.datetime().nullable(),
});
export type Notice = z.infer<typeof Notice>;
/** Of desks that the caller may see now, the newest first. */
export const NoticesAnswer = z.strictObject({ items: z.array(Notice).max(200), next: z.string().max(300).nullable() });

import { z } from 'zod';
import { RuleId } from '../finding.ts';
import { PageLimit } from './page-limit.ts';

const Reason = z.string().trim().min(1).max(500).describe('Shown to the agent');

export const WaiverTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('device'), device: z.uuid() }),
  /** With every group below it. */
  z.strictObject({ kind: z.literal('group'), group: z.uuid() }),
]);
export type WaiverTarget = z.infer<typeof WaiverTarget>;

/** `POST /api/v1/waivers`: somebody else is to approve it. */
export const WaiverRequest = z.strictObject({
  instance: z.uuid(),
  target: WaiverTarget,
  rule: RuleId,
  reason: Reason,
  until: z.iso.datetime(),
});
export type WaiverRequest = z.infer<typeof WaiverRequest>;

/** requested: waits for somebody. active: desks have it. ended: by somebody, or by its time. */
export const GrantState = z.enum(['requested', 'active', 'ended']);
export type GrantState = z.infer<typeof GrantState>;

const life = {
  id: z.uuid(),
  instance: z.uuid(),
  state: GrantState,
  reason: z.string(),
  until: z.iso.datetime(),
  requestedBy: z.uuid().nullable().describe('Null: the command line on the server'),
  requestedAt: z.iso.datetime(),
  approvedBy: z.uuid().nullable(),
  approvedAt: z.iso.datetime().nullable(),
  endedBy: z.uuid().nullable(),
  endedAt: z.iso.datetime().nullable(),
};

export const WaiverView = z.strictObject({ ...life, target: WaiverTarget, rule: z.string() });
export type WaiverView = z.infer<typeof WaiverView>;

export const GrantParams = z.strictObject({ id: z.uuid() });
export const GrantAnswer = z.strictObject({ id: z.uuid() });

export const GrantsQuery = z.strictObject({
  instance: z.uuid().optional(),
  state: GrantState.optional(),
  limit: PageLimit,
  after: z.string().max(100).optional(),
});
export type GrantsQuery = z.infer<typeof GrantsQuery>;
export const WaiversAnswer = z.strictObject({ items: z.array(WaiverView).max(200), next: z.string().nullable() });

/** `POST /api/v1/group-releases`: for the day on which a policy was wrong. Acts as a waiver of every rule that blocks there. */
export const GroupReleaseRequest = z.strictObject({ instance: z.uuid(), group: z.uuid(), reason: Reason, until: z.iso.datetime() });
export type GroupReleaseRequest = z.infer<typeof GroupReleaseRequest>;
export const GroupReleaseView = z.strictObject({ ...life, group: z.uuid() });
export type GroupReleaseView = z.infer<typeof GroupReleaseView>;
export const GroupReleasesAnswer = z.strictObject({ items: z.array(GroupReleaseView).max(200), next: z.string().nullable() });

export const DeskParams = z.strictObject({ id: z.uuid() });
export const ReleaseCodeAnswer = z.strictObject({
  code: z.string().regex(/^\d{8}$/),
  validUntil: z.iso.datetime().describe('The desk takes it for 5 minutes more, for the sake of its clock'),
});

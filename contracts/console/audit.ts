import { z } from 'zod';
import { storable } from './access.ts';
import { PageLimit } from './page-limit.ts';

export const AuditActor = z.strictObject({
  // operator: the command line on the server itself. system: a job that nobody asked for.
  kind: z.enum(['account', 'device', 'operator', 'system', 'nobody']),
  // Of the account, or of the device.
  id: z.string().max(100).optional(),
  session: z.string().max(100).optional(),
  // A second factor had been shown.
  mfa: z.boolean().optional(),
});
export type AuditActor = z.infer<typeof AuditActor>;

export const AuditTarget = z.strictObject({ type: z.string().min(1).max(50), id: z.string().max(200) });
export type AuditTarget = z.infer<typeof AuditTarget>;

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** One call, or one event inside of a call. Strict, because it is hashed and kept for years. */
export const AuditRecord = z.strictObject({
  eventId: z.uuid(),
  at: z.iso.datetime(),
  actor: AuditActor,
  // `GET /api/v1/desks/:id`, or a name such as `reports.accepted`.
  action: z.string().min(1).max(200),
  status: z.int().min(0).max(599),
  code: z.string().max(60).optional(),
  targets: z.array(AuditTarget).max(1000),
  change: z.strictObject({ beforeHash: Digest.optional(), afterHash: Digest.optional() }).optional(),
  decision: z.strictObject({ aclVersion: z.int(), rule: z.string().max(100) }).optional(),
  requestId: z.string().max(100),
  // Of a batch: how many it is about. Of a break-glass sign-in: the uses within 30 days.
  count: z.int().min(0).optional(),
  // Somebody used a break-glass account.
  emergency: z.literal(true).optional(),
});
export type AuditRecord = z.infer<typeof AuditRecord>;

export const AuditQuery = z
  .object({
    from: z.iso.datetime({ offset: true }).optional(),
    to: z.iso.datetime({ offset: true }).optional(),
    // Id of an account or a device; `operator`, `system` or `nobody`.
    actor: z.string().min(1).max(100).regex(storable).optional(),
    action: z.string().min(1).max(200).regex(storable).optional(),
    targetType: z.string().min(1).max(50).regex(storable).optional(),
    targetId: z.string().min(1).max(200).regex(storable).optional(),
    // With address and user agent of each: opening them is a use of a key, and audited as one.
    source: z.enum(['1']).optional(),
    limit: PageLimit,
    after: z.string().max(100).optional(),
  })
  .strict()
  .refine((query) => (query.targetType === undefined) === (query.targetId === undefined), 'targetType and targetId go together');
export type AuditQuery = z.infer<typeof AuditQuery>;

export const AuditEntry = z.strictObject({
  seq: z.int(),
  hash: Digest,
  record: AuditRecord,
  source: z.strictObject({ address: z.string(), userAgent: z.string() }).optional(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** Newest first. */
export const AuditAnswer = z.strictObject({ items: z.array(AuditEntry).max(200), next: z.string().nullable() });
export type AuditAnswer = z.infer<typeof AuditAnswer>;

export const DeskChangesParams = z.strictObject({ id: z.uuid() });
export const PolicyChangesParams = z.strictObject({ id: z.string().min(1).max(100).regex(storable) });
export const ChangesQuery = z.strictObject({
  limit: PageLimit,
  after: z.string().max(100).optional(),
});
export type ChangesQuery = z.infer<typeof ChangesQuery>;
/** Who changed what, newest first. */
export const ChangesAnswer = z.strictObject({
  items: z
    .array(
      z.strictObject({
        seq: z.int(),
        at: z.iso.datetime(),
        actor: AuditActor,
        action: z.string().max(200),
        change: z.strictObject({ beforeHash: Digest.optional(), afterHash: Digest.optional() }).nullable(),
      }),
    )
    .max(200),
  next: z.string().nullable(),
});
export type ChangesAnswer = z.infer<typeof ChangesAnswer>;

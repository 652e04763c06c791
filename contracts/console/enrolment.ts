import { z } from 'zod';
import { Platform } from '../report.ts';
import { Tags } from './access.ts';
import { PageLimit } from './page-limit.ts';

const Cidr = z.union([z.cidrv4(), z.cidrv6()]);
const Approval = z.enum(['automatic', 'manual']);

/** Where a list goes on; made by the answer before. */
const After = z.string().max(200).optional();
const Next = z.string().max(200).nullable();

export const TicketsQuery = z.strictObject({ limit: PageLimit, after: After });
export type TicketsQuery = z.infer<typeof TicketsQuery>;

export const TicketRequest = z.strictObject({
  instance: z.uuid().describe('Of the desks that enrol by it'),
  maxUses: z.int().min(1).max(100_000).default(1).describe('How many desks'),
  expiresInSec: z.int().min(60).max(604_800).default(86_400).describe('The server caps it; 24 hours unless its operator says otherwise'),
  cidrs: z.array(Cidr).max(50).default([]).describe('Networks that desks must call from; none: any'),
  group: z.uuid().nullable().default(null).describe('Hierarchy group of the desks'),
  tags: Tags.default({}),
  approval: Approval.optional().describe("Without it, the tenant's own choice"),
});
export type TicketRequest = z.infer<typeof TicketRequest>;

export const TicketEntry = z.strictObject({
  id: z.uuid(),
  instance: z.uuid(),
  state: z.enum(['open', 'used-up', 'expired', 'revoked']),
  maxUses: z.int(),
  used: z.int(),
  expiresAt: z.iso.datetime(),
  cidrs: z.array(z.string()),
  group: z.uuid().nullable(),
  tags: Tags,
  approval: Approval,
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
});
export type TicketEntry = z.infer<typeof TicketEntry>;

export const TicketAnswer = z.strictObject({
  ticket: TicketEntry,
  /** Shown this once: `dw1.<secret>.<fingerprint>`. */
  text: z.string(),
});
export type TicketAnswer = z.infer<typeof TicketAnswer>;

export const TicketsAnswer = z.strictObject({ items: z.array(TicketEntry).max(200), next: Next });
export type TicketsAnswer = z.infer<typeof TicketsAnswer>;

export const TicketParams = z.strictObject({ ticket: z.uuid() });
export const RevokedTicketAnswer = z.strictObject({
  ticket: TicketEntry,
  /** Desks that waited for approval, and were declined with it. */
  declined: z.int().nonnegative(),
});

export const EnrolmentStatus = z.enum(['pending', 'enrolled', 'declined', 'revoked', 'retired']);

/** A desk as far as its enrolment goes. */
export const EnrolmentEntry = z.strictObject({
  device: z.uuid(),
  instance: z.uuid(),
  status: EnrolmentStatus,
  /** What the desk calls itself. */
  hostName: z.string(),
  platform: Platform,
  ticket: z.uuid().nullable(),
  group: z.uuid().nullable(),
  tags: Tags,
  createdAt: z.iso.datetime(),
  statusChangedAt: z.iso.datetime(),
  /** SHA-256 of its public key, in hex, to compare with what the desk shows. */
  key: z.string(),
  duplicates: z.strictObject({
    /** Other desks that are pending or enrolled under the same name. */
    sameHostName: z.array(z.uuid()).max(10),
    /** When the same key last came by another ticket, or under another name. */
    keyReusedAt: z.iso.datetime().nullable(),
  }),
});
export type EnrolmentEntry = z.infer<typeof EnrolmentEntry>;

export const EnrolmentsQuery = z.strictObject({ limit: PageLimit, after: After, status: EnrolmentStatus.default('pending') });
export type EnrolmentsQuery = z.infer<typeof EnrolmentsQuery>;
export const EnrolmentsAnswer = z.strictObject({ items: z.array(EnrolmentEntry).max(200), next: Next });
export type EnrolmentsAnswer = z.infer<typeof EnrolmentsAnswer>;

export const DeviceParams = z.strictObject({ device: z.uuid() });
export const DeviceStatusAnswer = z.strictObject({ device: z.uuid(), status: EnrolmentStatus });

export const DenialKind = z.enum(['address', 'device', 'account']);
export const DenialEntry = z.strictObject({
  kind: DenialKind,
  subject: z.string(),
  because: z.string(),
  at: z.iso.datetime(),
  until: z.iso.datetime(),
  /** An address is kept out of the whole deployment; a device or an account belongs to its tenant. */
  everywhere: z.boolean(),
});
export const DenialsAnswer = z.strictObject({ items: z.array(DenialEntry).max(200), next: Next });
export const DenialsQuery = z.strictObject({ limit: PageLimit, after: After });
export type DenialEntry = z.infer<typeof DenialEntry>;
export const DenialQuery = z.strictObject({ kind: DenialKind, subject: z.string().regex(/^[ -~]{1,100}$/) });
export const DenialRemovedAnswer = z.strictObject({ removed: z.boolean() });

import { z } from 'zod';
import { AllowlistRow } from '../allowlist.ts';
import { PageLimit } from './page-limit.ts';

/** Why a look at AWS's ip-ranges.json gave nothing that is used. */
export const FeedFaultCode = z.enum([
  'unreachable',
  'timed-out',
  'untrusted',
  'redirected',
  'refused',
  'too-large',
  'not-json',
  'malformed',
  /** Older than what was read before. */
  'older',
  'from-the-future',
  /** Lost so much at once that somebody has to look first. */
  'shrunk',
  'unreadable',
]);
export type FeedFaultCode = z.infer<typeof FeedFaultCode>;

const Instant = z.iso.datetime();

export const PrefixChange = z.strictObject({
  service: z.string().max(60),
  region: z.string().max(60),
  prefix: z.string().max(60),
});
export type PrefixChange = z.infer<typeof PrefixChange>;

export const AddedPrefix = PrefixChange.extend({
  /** AWS published it at this time at the latest, and after that one. */
  publishedAt: Instant,
  publishedAfter: Instant,
  /** AWS may send traffic there 30 days after it was published. */
  dueAt: Instant,
});
export type AddedPrefix = z.infer<typeof AddedPrefix>;

/** Against the published revision, or the list that ships with the product: what concerns the instance's Regions. */
export const AllowlistDiff = z.strictObject({
  base: z.strictObject({ revision: z.int().positive(), syncToken: z.string().max(20) }),
  added: z.array(AddedPrefix).max(20_000),
  removed: z.array(PrefixChange).max(20_000),
  /** Services that the base did not hold at all. */
  introduced: z.array(z.string().max(60)).max(20),
  rows: z.strictObject({
    added: z.array(AllowlistRow.shape.id),
    removed: z.array(AllowlistRow.shape.id),
    changed: z.array(AllowlistRow.shape.id),
  }),
  hosts: z.strictObject({ added: z.array(z.string().max(260)).max(2_000), removed: z.array(z.string().max(260)).max(2_000) }),
});
export type AllowlistDiff = z.infer<typeof AllowlistDiff>;

export const AllowlistStatus = z.enum(['seen', 'published', 'superseded']);

export const AllowlistRevision = z.strictObject({
  revision: z.int().positive(),
  status: AllowlistStatus,
  syncToken: z.string().max(20),
  /** Of what is to be approved: a publication names it, so that nobody signs what they have not seen. */
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  seenAt: Instant,
  publishedAt: Instant.nullable(),
  publishedBy: z.uuid().nullable(),
  /** Until when it must be in every firewall; null: nothing came. */
  dueAt: Instant.nullable(),
  counts: z.strictObject({ added: z.int(), removed: z.int(), rows: z.int(), hosts: z.int() }),
});
export type AllowlistRevision = z.infer<typeof AllowlistRevision>;

const Counts = z.strictObject({ added: z.int(), removed: z.int() });

export const FeedView = z.strictObject({
  /** The last look, and the last that could be used. */
  checkedAt: Instant.nullable(),
  usedAt: Instant.nullable(),
  syncToken: z.string().max(20).nullable(),
  fault: z.strictObject({ code: FeedFaultCode, detail: z.string().max(300) }).nullable(),
  /** A feed that lost much at once, and waits for somebody to accept it. */
  held: z.strictObject({ since: Instant, syncToken: z.string().max(20), detail: z.string().max(300) }).nullable(),
  /** Changes that have not stayed long enough to be believed. */
  waiting: Counts,
});
export type FeedView = z.infer<typeof FeedView>;

export const AllowlistQuery = z.strictObject({ instance: z.uuid().optional() });

export const AllowlistAnswer = z.strictObject({
  instance: z.uuid(),
  /** What desks obey. `shipped`: nothing was published yet, and each desk has the list of its own version. */
  current: z.strictObject({ revision: z.int().positive(), createdAt: Instant, syncToken: z.string().max(20), shipped: z.boolean() }),
  pending: AllowlistRevision.nullable(),
  approval: z.enum(['automatic', 'manual']),
  /** When the first pending prefix is due, and whether AWS may use it already. */
  dueAt: Instant.nullable(),
  mayBeInUse: z.boolean(),
  /** The feed was not read for 14 days: nobody knows what AWS has published since. */
  stale: z.boolean(),
  feed: FeedView,
});
export type AllowlistAnswer = z.infer<typeof AllowlistAnswer>;

export const RevisionsQuery = AllowlistQuery.extend({
  limit: PageLimit,
  after: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
});
export const RevisionsAnswer = z.strictObject({ items: z.array(AllowlistRevision).max(200), next: z.string().nullable() });
export type RevisionsAnswer = z.infer<typeof RevisionsAnswer>;

/** Of the pending revision where none is named; of the published one where none is pending. */
export const DiffQuery = AllowlistQuery.extend({ revision: z.coerce.number().int().positive().optional() });
export const DiffAnswer = z.strictObject({ revision: AllowlistRevision, diff: AllowlistDiff });
export type DiffAnswer = z.infer<typeof DiffAnswer>;

export const CheckNowRequest = z.strictObject({
  /** `held.syncToken`: what this feed has lost is gone in truth. */
  acceptLoss: z
    .string()
    .regex(/^\d{1,12}$/)
    .optional(),
});
export const CheckNowAnswer = z.strictObject({
  /** False: a look was taken moments ago, or another replica is taking one. */
  looked: z.boolean(),
  feed: FeedView,
});
export type CheckNowAnswer = z.infer<typeof CheckNowAnswer>;

export const PublishAllowlistRequest = z.strictObject({
  instance: z.uuid().optional(),
  revision: z.int().positive(),
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
});
export const PublishAllowlistAnswer = z.strictObject({ revision: AllowlistRevision });
export type PublishAllowlistAnswer = z.infer<typeof PublishAllowlistAnswer>;

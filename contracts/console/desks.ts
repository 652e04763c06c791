import { z } from 'zod';
import { Heartbeat } from '../fleet-api.ts';
import { GateState } from '../gate.ts';
import { Outcome } from '../outcome.ts';
import { Platform } from '../report.ts';
import { SealedFault } from '../sealing.ts';
import { Standing } from '../verdict.ts';
import { TagKey, Tags, TagValue } from './access.ts';
import { PageLimit } from './page-limit.ts';

/** What a desk is shown as: one that was not heard of for long is silent, whatever it said last. */
export const ShownStanding = z.enum(['blocked', 'undetermined', 'caution', 'clear', 'silent']);
export type ShownStanding = z.infer<typeof ShownStanding>;

const Rule = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected the id of a rule');
const After = z.string().max(300).optional();

/** Which desks. */
export const DesksExportRequest = z.strictObject({
  standing: ShownStanding.optional(),
  /** Desks of this group and of all below it. */
  group: z.uuid().optional(),
  tagKey: TagKey.optional(),
  /** With `tagKey`; without it the empty value. */
  tagValue: TagValue.optional(),
  /** The whole host name: names are stored so that they can be found, and not read. */
  host: z.string().min(1).max(253).optional(),
  /** Desks on which this rule is bad, be it a cause or not. */
  rule: Rule.optional(),
});
export type DesksExportRequest = z.infer<typeof DesksExportRequest>;
export const DesksRequest = DesksExportRequest.extend({ limit: PageLimit, after: After });
export type DesksRequest = z.infer<typeof DesksRequest>;

const GroupName = z.strictObject({ id: z.uuid(), name: z.string().max(100) });

export const DeskEntry = z.strictObject({
  id: z.uuid(),
  hostName: z.string().max(253),
  platform: Platform,
  /** Of its owner, or of a shared desk its own. */
  group: GroupName.nullable(),
  tags: Tags,
  standing: ShownStanding,
  /** What it said last; the same as `standing` where it is not silent. */
  lastStanding: Standing,
  since: z.iso.datetime(),
  blocksAt: z.iso.datetime().nullable(),
  /** Rules, in the desk's own order. */
  causes: z.array(z.string().max(100)).max(400),
  gate: GateState,
  /** Null: never. */
  heardAt: z.iso.datetime().nullable(),
  reportedAt: z.iso.datetime().nullable(),
  agentVersion: z.string().max(50),
  /** Two computers with this identity seem to take turns. */
  duplicateSuspectedAt: z.iso.datetime().nullable(),
});
export type DeskEntry = z.infer<typeof DeskEntry>;

export const DesksAnswer = z.strictObject({ items: z.array(DeskEntry).max(200), next: z.string().max(300).nullable() });
export type DesksAnswer = z.infer<typeof DesksAnswer>;

export const DeskParams = z.strictObject({ id: z.uuid() });

export const DeskFinding = z.strictObject({
  rule: z.string().max(100),
  check: z.string().max(100),
  revision: z.int().nonnegative(),
  venue: z.string().max(20),
  vantage: z.string().max(20),
  outcome: Outcome.nullable(),
  /** What the policy let leave the desk; null where nothing did, or where fields are sealed to the tenant. */
  evidence: z.unknown(),
  partial: z.boolean(),
  /** False: of a check that this fleet does not know. */
  judged: z.boolean(),
  observedAt: z.iso.datetime(),
  since: z.iso.datetime(),
  lastPassAt: z.iso.datetime().nullable(),
});
export type DeskFinding = z.infer<typeof DeskFinding>;

export const DeskAnswer = z.strictObject({
  desk: DeskEntry,
  /** As the desk last reported them; null before its first report. Read by whoever draws them, by schemas of their own. */
  verdict: z.unknown(),
  gate: z.unknown(),
  allowlist: z.unknown(),
  /** Null before its first heartbeat. */
  heartbeat: z
    .strictObject({
      gate: Heartbeat.shape.gate,
      held: Heartbeat.shape.held,
      health: Heartbeat.shape.health,
      refused: Heartbeat.shape.refused,
    })
    .nullable(),
  findings: z.array(DeskFinding).max(400),
  /** When fields came last that are sealed to the tenant's own key; null for none. */
  sealedAt: z.iso.datetime().nullable(),
  /** Fields that came since and were not stored; null for none. */
  sealedRefused: z.strictObject({ code: SealedFault, at: z.iso.datetime() }).nullable(),
});
export type DeskAnswer = z.infer<typeof DeskAnswer>;

export const TimelineRequest = z.strictObject({ limit: PageLimit, after: After });
export type TimelineRequest = z.infer<typeof TimelineRequest>;

const Line = { id: z.uuid(), at: z.iso.datetime(), receivedAt: z.iso.datetime() };
export const TimelineEntry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('standing'),
    ...Line,
    standing: ShownStanding,
    gate: z.string().max(20),
    causes: z.array(z.string().max(100)).max(400),
  }),
  z.strictObject({
    kind: z.literal('finding'),
    ...Line,
    rule: z.string().max(100),
    check: z.string().max(100),
    /** Null: the desk no longer has the rule. */
    outcome: Outcome.nullable(),
    evidence: z.unknown(),
  }),
  z.strictObject({ kind: z.literal('release'), ...Line, by: z.string().max(20), until: z.iso.datetime() }),
]);
export type TimelineEntry = z.infer<typeof TimelineEntry>;

/** The newest first, by when they came in. */
export const TimelineAnswer = z.strictObject({ items: z.array(TimelineEntry).max(200), next: z.string().max(300).nullable() });
export type TimelineAnswer = z.infer<typeof TimelineAnswer>;

const Count = z.int().nonnegative();
export const StandingCounts = z.strictObject({ blocked: Count, undetermined: Count, caution: Count, clear: Count, silent: Count });
export type StandingCounts = z.infer<typeof StandingCounts>;

export const FloorRequest = z.strictObject({ group: z.uuid().optional() });
export type FloorRequest = z.infer<typeof FloorRequest>;

export const FloorAnswer = z.strictObject({
  at: z.iso.datetime(),
  /** Of the desks that the caller may see, and of no others. */
  total: StandingCounts,
  /** Each with all below it; groups without a desk that the caller may see are left out. */
  groups: z.array(z.strictObject({ id: z.uuid(), name: z.string().max(100), parent: z.uuid().nullable(), counts: StandingCounts })),
  /** Of desks in no group. */
  ungrouped: StandingCounts,
  /** Rules that keep most desks from being clear, at most 20. */
  causes: z.array(z.strictObject({ rule: z.string().max(100), desks: Count })).max(20),
});
export type FloorAnswer = z.infer<typeof FloorAnswer>;

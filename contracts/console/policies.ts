import { z } from 'zod';
import { Policy } from '../policy.ts';
import { DocumentKind, MAX_REVISION } from '../signed-document.ts';
import { storable, TagKey, TagValue } from './access.ts';
import { PageLimit } from './page-limit.ts';

export const PolicyId = Policy.shape.id;

/** Four times a policy with every rule written out. It is read while everybody else waits: more would be felt on the floor. */
const MAX_SOURCE = 256 * 1024;

export const InstanceParams = z.strictObject({ instance: z.uuid() });
export const PolicyParams = InstanceParams.extend({ policy: PolicyId });
export const RevisionParams = PolicyParams.extend({ revision: z.coerce.number().int().min(1).max(2_147_483_647) });

/** A `Policy` of contracts/policy.ts, whose reader changes the case of host names: an answer is written, not read. */
const ResolvedPolicy = z.record(z.string(), z.unknown());

/** JSON Schema, draft 7, of a policy file as people write it. */
export const PolicySchemaAnswer = z.record(z.string(), z.unknown());

/** One line of the answer to a bad policy; `line` and `column` count from 1. */
export const PlacedProblem = z.strictObject({
  line: z.int().positive(),
  column: z.int().positive(),
  key: z.string(),
  message: z.string(),
});
export type PlacedProblem = z.infer<typeof PlacedProblem>;

export const PolicyText = z.strictObject({
  source: z
    .string()
    .max(MAX_SOURCE)
    .regex(storable, 'expected text without NUL and without half characters')
    .describe('YAML 1.2 or JSON, as people write it'),
});

/** `POST …/policies/validate`: says what is wrong with a text, and stores nothing. */
export const PolicyValidateAnswer = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), resolved: ResolvedPolicy }),
  z.strictObject({ ok: z.literal(false), problems: z.array(PlacedProblem).max(20) }),
]);

export const PolicyRevision = z.strictObject({
  policy: PolicyId,
  revision: z.int().positive(),
  createdBy: z.uuid().nullable().describe('Null: the command line on the server'),
  createdAt: z.iso.datetime(),
  publishedBy: z.uuid().nullable(),
  publishedAt: z.iso.datetime().nullable().describe('Null: a draft'),
  acceptedBlocks: z.int().nonnegative().nullable(),
});
export type PolicyRevision = z.infer<typeof PolicyRevision>;

/** `PUT …/policies/:policy`: a new revision as a draft; the revision that the text names is not looked at. */
export const PolicyPutAnswer = z.strictObject({ revision: z.int().positive(), changed: z.boolean() });

export const PageQuery = z.strictObject({
  limit: PageLimit,
  after: z.string().max(200).regex(storable).optional(),
});

export const PolicySummary = z.strictObject({
  policy: PolicyId,
  newest: z.int().positive(),
  published: z.int().positive().nullable(),
});
export const PoliciesAnswer = z.strictObject({ items: z.array(PolicySummary).max(200), next: z.string().nullable() });
export const PolicyRevisionsAnswer = z.strictObject({ items: z.array(PolicyRevision).max(200), next: z.string().nullable() });

export const PolicyRevisionAnswer = PolicyRevision.extend({
  source: z.string().describe('As it was written'),
  writtenOut: z.string().describe('YAML with every rule written out'),
  resolved: ResolvedPolicy,
});

export const DiffQuery = z.strictObject({
  from: z.coerce.number().int().min(1).max(2_147_483_647),
  to: z.coerce.number().int().min(1).max(2_147_483_647),
});
/** One key of one rule, or of the policy where `rule` is null. JSON of the values; null where there is none. */
export const PolicyChange = z.strictObject({
  rule: z.string().nullable(),
  key: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});
export type PolicyChange = z.infer<typeof PolicyChange>;
export const PolicyDiffAnswer = z.strictObject({ changes: z.array(PolicyChange), text: z.string() });

/** The exact number of the preview, so that nobody agrees to what he has not read. */
export const Acceptance = z.strictObject({ preview: z.uuid(), blocks: z.int().nonnegative() });
export type Acceptance = z.infer<typeof Acceptance>;

/** `POST …/revisions/:revision/publish`. */
export const PublishRequest = z.strictObject({ accept: Acceptance.optional() });
export const PublishAnswer = z.strictObject({
  document: z.int().positive().nullable().describe('Revision of the signed document; null: it waits for a signature'),
});

/** `POST …/revisions/:revision/rollback`: a new draft that says what this revision said. */
export const RollbackAnswer = z.strictObject({ revision: z.int().positive() });

export const AssignmentTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('group'), group: z.uuid() }),
  z.strictObject({ kind: z.literal('tag'), key: TagKey, value: TagValue }),
]);
export type AssignmentTarget = z.infer<typeof AssignmentTarget>;

/** How many desks come under a policy that enforces, exactly: asked for where there are any. */
const AcceptedDesks = z.int().nonnegative();

/** The highest priority wins; no two are the same in one instance. */
export const AssignRequest = z.strictObject({
  policy: PolicyId,
  target: AssignmentTarget,
  priority: z.int().min(0).max(1_000_000),
  acceptDesks: AcceptedDesks.optional(),
});
export const PolicyAssignment = z.strictObject({
  id: z.uuid(),
  policy: PolicyId,
  target: AssignmentTarget,
  priority: z.int(),
});
export const AssignAnswer = z.strictObject({ id: z.uuid() });
export const AssignmentsAnswer = z.strictObject({ items: z.array(PolicyAssignment) });
export const AssignmentParams = InstanceParams.extend({ assignment: z.uuid() });
export const UnassignQuery = z.strictObject({ acceptDesks: z.coerce.number().int().nonnegative().optional() });

/** Documents whose key is kept offline: sign `<header>.<payload>` with Ed25519. */
export const UnsignedAnswer = z.strictObject({
  items: z
    .array(
      z.strictObject({
        kind: DocumentKind,
        revision: z.int().positive(),
        audience: z.string(),
        kid: z.string(),
        header: z.string(),
        payload: z.string(),
        askedAt: z.iso.datetime(),
      }),
    )
    .max(200),
});
export const SignatureParams = InstanceParams.extend({
  kind: DocumentKind,
  revision: z.coerce.number().int().min(1).max(MAX_REVISION),
});
export const SignatureRequest = z.strictObject({
  signature: z.string().regex(/^[A-Za-z0-9_-]{85}[AQgw]$/, 'expected an Ed25519 signature of 64 bytes in base64url'),
});

import { sql } from 'kysely';
import { stringify } from 'yaml';
import type { AnyCheck } from '../../checks/check.ts';
import { type PolicyRead, parsePolicyText } from '../../checks/policy-text.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { PolicyRevision } from '../../contracts/console/policies.ts';
import type { Problem } from '../../contracts/parse.ts';
import type { Policy, PolicyFile } from '../../contracts/policy.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import { FleetFault } from '../http/fault.ts';
import { instanceMessages } from './instance-messages.ts';
import { policyHash } from './policy-content.ts';

/** What a policy of this instance is read by; `id` where it is sent as that policy. */
export function readPolicyText(
  source: string,
  instance: Pick<DocumentInstance, 'alias' | 'region'>,
  facts: { checks: readonly AnyCheck[]; allowlist: Allowlist },
  id?: string,
): PolicyRead {
  return parsePolicyText(source, { ...facts, furtherProblems: (file) => [...instanceProblems(file, instance), ...idProblems(file, id)] });
}

function instanceProblems({ instance: given }: PolicyFile, { alias, region }: Pick<DocumentInstance, 'alias' | 'region'>): Problem[] {
  const problems: Problem[] = [];
  if (given.alias === undefined) problems.push({ path: ['instance', 'alias'], message: instanceMessages.noAlias(alias) });
  else if (given.alias !== alias) problems.push({ path: ['instance', 'alias'], message: instanceMessages.otherAlias(given.alias, alias) });
  if (given.region !== region) problems.push({ path: ['instance', 'region'], message: instanceMessages.otherRegion(given.region, region) });
  return problems;
}

function idProblems(file: PolicyFile, id: string | undefined): Problem[] {
  return id === undefined || file.id === id ? [] : [{ path: ['id'], message: instanceMessages.otherId(file.id, id) }];
}

/** The first few, each with its place: an answer has room for no more. */
export function refuseProblems(problems: Extract<PolicyRead, { ok: false }>['problems']): FleetFault {
  const lines = problems
    .slice(0, 4)
    .map(({ line, column, key, message }) => `${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`);
  const more = problems.length > lines.length ? [`and ${problems.length - lines.length} more: see policies/validate`] : [];
  return new FleetFault('bad-request', [...lines, ...more].join('\n').slice(0, 1_000), { path: 'body.source' });
}

/** A new draft; none where the newest revision says the same in the same words. */
export async function storeRevision(
  tx: Tx,
  instance: DocumentInstance,
  given: { file: PolicyFile; source: string; checks: readonly AnyCheck[]; by: string | null; now: Date },
): Promise<{ revision: number; changed: boolean }> {
  const policy = given.file.id;
  const newest = await lockNewest(tx, instance, policy);
  if (newest?.source === given.source) return { revision: newest.revision, changed: false };
  const revision = (newest?.revision ?? 0) + 1;
  const resolved: Policy = { ...resolvePolicy(given.file, given.checks), revision };
  await insertRevision(tx, instance, { policy, revision, source: given.source, resolved, by: given.by, now: given.now });
  return { revision, changed: true };
}

/** A new draft that says what an earlier revision said, word by word. */
export async function rollBack(
  tx: Tx,
  instance: DocumentInstance,
  given: { policy: string; to: number; by: string | null; now: Date },
): Promise<number> {
  const newest = await lockNewest(tx, instance, given.policy);
  const earlier = await readRevision(tx, instance.id, given.policy, given.to);
  if (!newest || !earlier) throw new FleetFault('not-found', 'there is no such revision');
  const revision = newest.revision + 1;
  const resolved = { ...earlier.resolved, revision };
  await insertRevision(tx, instance, { policy: given.policy, revision, source: earlier.source, resolved, by: given.by, now: given.now });
  return revision;
}

async function insertRevision(
  tx: Tx,
  { tenant, id }: DocumentInstance,
  row: { policy: string; revision: number; source: string; resolved: Policy; by: string | null; now: Date },
): Promise<void> {
  await tx
    .insertInto('policy_revision')
    .values({
      tenant_id: tenant,
      instance_id: id,
      policy_id: row.policy,
      revision: row.revision,
      source: row.source,
      resolved: JSON.stringify(row.resolved),
      content_hash: policyHash(row.resolved),
      created_by: row.by,
      created_at: row.now,
    })
    .execute();
}

/** Two that write at a time follow each other: the second sees the first's revision. */
export async function lockNewest(tx: Tx, { tenant, id }: DocumentInstance, policy: string) {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`policy ${tenant} ${id} ${policy}`}, 0))`.execute(tx);
  return tx
    .selectFrom('policy_revision')
    .select(['revision', 'source'])
    .where('instance_id', '=', id)
    .where('policy_id', '=', policy)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function readRevision(tx: Tx, instance: string, policy: string, revision: number) {
  const row = await tx
    .selectFrom('policy_revision')
    .selectAll()
    .where('instance_id', '=', instance)
    .where('policy_id', '=', policy)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row && { ...row, resolved: row.resolved as Policy };
}

export function viewRevision(row: {
  policy_id: string;
  revision: number;
  created_by: string | null;
  created_at: Date;
  published_by: string | null;
  published_at: Date | null;
  accepted_blocks: number | null;
}): PolicyRevision {
  return {
    policy: row.policy_id,
    revision: row.revision,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    publishedBy: row.published_by,
    publishedAt: row.published_at?.toISOString() ?? null,
    acceptedBlocks: row.accepted_blocks,
  };
}

/** A policy file that leans on no recommendation of any version. */
export function writeOut(resolved: Policy): string {
  const { rules, ...shared } = resolved;
  return stringify({ ...shared, base: 'none', rules }, { aliasDuplicateObjects: false });
}

import { sql } from 'kysely';
import { Policy } from '../../contracts/policy.ts';
import type { Tx } from '../db/tenancy.ts';
import { contentHash } from '../documents/content-hash.ts';
import type { Content } from '../documents/issue.ts';
import { UnreadablePolicy } from '../documents/unreadable-policy.ts';

export interface PublishedPolicy {
  policy: string;
  revision: number;
  hash: Buffer;
}

/** Of the policy without its revision: the document brings its own. */
export function policyHash(policy: Policy): Buffer {
  const { revision: _, ...content } = policy;
  return contentHash(content);
}

/** Of each of the policies what desks obey now: the newest revision that is published. */
export async function publishedPolicies(tx: Tx, instance: string, policies: readonly string[]): Promise<Map<string, PublishedPolicy>> {
  const rows = await tx
    .selectFrom('policy_revision')
    .distinctOn('policy_id')
    .select(['policy_id as policy', 'revision', 'content_hash as hash'])
    .where('instance_id', '=', instance)
    .where('policy_id', '=', sql<string>`any(${[...policies]}::text[])`)
    .where('published_at', 'is not', null)
    .orderBy('policy_id')
    .orderBy('revision', 'desc')
    .execute();
  return new Map(rows.map((row) => [row.policy, row]));
}

export function policyContent(tx: Tx, instance: string, { policy, revision, hash }: PublishedPolicy): Content {
  return {
    kind: 'policy',
    audience: policy,
    hash,
    body: async (documentRevision) => ({ ...(await readResolved(tx, instance, policy, revision)), revision: documentRevision }),
  };
}

/** Null: this version cannot read it, so that nobody knows what it says. */
export function readResolvedIfItCan(tx: Tx, instance: string, policy: string, revision: number): Promise<Policy | null> {
  return readResolved(tx, instance, policy, revision).catch((error: unknown) => {
    if (error instanceof UnreadablePolicy) return null;
    throw error;
  });
}

export async function readResolved(tx: Tx, instance: string, policy: string, revision: number): Promise<Policy> {
  const { resolved } = await tx
    .selectFrom('policy_revision')
    .select('resolved')
    .where('instance_id', '=', instance)
    .where('policy_id', '=', policy)
    .where('revision', '=', revision)
    .executeTakeFirstOrThrow();
  const read = Policy.safeParse(resolved);
  if (read.success) return read.data;
  const [first] = read.error.issues;
  throw new UnreadablePolicy({ instance, policy, revision }, `${first?.path.join('.') ?? ''}: ${first?.message ?? 'unknown'}`);
}

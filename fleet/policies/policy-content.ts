import { sql } from 'kysely';
import { Policy } from '../../contracts/policy.ts';
import type { Tx } from '../db/tenancy.ts';
import { contentHash } from '../documents/content-hash.ts';
import type { Content } from '../documents/issue.ts';

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

export async function readResolved(tx: Tx, instance: string, policy: string, revision: number): Promise<Policy> {
  const { resolved } = await tx
    .selectFrom('policy_revision')
    .select('resolved')
    .where('instance_id', '=', instance)
    .where('policy_id', '=', policy)
    .where('revision', '=', revision)
    .executeTakeFirstOrThrow();
  return Policy.parse(resolved);
}

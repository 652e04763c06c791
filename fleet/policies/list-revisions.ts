import { sql } from 'kysely';
import type { PolicyRevision } from '../../contracts/console/policies.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { viewRevision } from './revisions.ts';

interface PolicyLine {
  policy: string;
  newest: number;
  published: number | null;
}

export async function listPolicies(
  tx: Tx,
  instance: string,
  limit: number,
  after: string,
): Promise<{ items: PolicyLine[]; next: string | null }> {
  const found = await tx
    .selectFrom('policy_revision')
    .select([
      'policy_id as policy',
      sql<number>`max(revision)`.as('newest'),
      sql<number | null>`max(revision) filter (where published_at is not null)`.as('published'),
    ])
    .where('instance_id', '=', instance)
    .where('policy_id', '>', after)
    .groupBy('policy_id')
    .orderBy('policy_id')
    .limit(limit + 1)
    .execute();
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.policy ?? null) : null };
}

/** Newest first. */
export async function listRevisions(
  tx: Tx,
  instance: string,
  policy: string,
  limit: number,
  after: string | undefined,
): Promise<{ items: PolicyRevision[]; next: string | null }> {
  if (after !== undefined && !/^[1-9]\d{0,8}$/.test(after))
    throw new FleetFault('bad-request', 'not a cursor of this list', { path: 'query.after' });
  const rows = await tx
    .selectFrom('policy_revision')
    .select(['policy_id', 'revision', 'created_by', 'created_at', 'published_by', 'published_at', 'accepted_blocks'])
    .where('instance_id', '=', instance)
    .where('policy_id', '=', policy)
    .$if(after !== undefined, (query) => query.where('revision', '<', Number(after)))
    .orderBy('revision', 'desc')
    .limit(limit + 1)
    .execute();
  if (rows.length === 0 && after === undefined) throw new FleetFault('not-found', 'there is no such thing');
  const items = rows.slice(0, limit).map(viewRevision);
  return { items, next: rows.length > limit ? String(items.at(-1)?.revision) : null };
}

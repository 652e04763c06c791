import { sql } from 'kysely';
import { Allowlist } from '../../contracts/allowlist.ts';
import { AllowlistDiff, type AllowlistRevision } from '../../contracts/console/allowlist.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import { dueAt } from './diff.ts';

export interface StoredRevision {
  revision: number;
  status: 'seen' | 'published' | 'superseded';
  body: Allowlist;
  hash: Buffer;
  diff: AllowlistDiff;
  seenAt: Date;
  publishedAt: Date | null;
  publishedBy: string | null;
}

/**
 * The number that the next signed allowlist of the instance gets. Holds the counter until the transaction ends, so that two
 * replicas propose one after the other. The shipped list is a revision too: numbers go on from it.
 */
export async function holdNextRevision(tx: Tx, { tenant, id }: DocumentInstance, shipped: Allowlist): Promise<number> {
  await tx
    .insertInto('revision_counter')
    .values({ tenant_id: tenant, instance_id: id, kind: 'allowlist', last: shipped.revision })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'instance_id', 'kind']).doNothing())
    .execute();
  const { last } = await tx
    .selectFrom('revision_counter')
    .select('last')
    .where('instance_id', '=', id)
    .where('kind', '=', 'allowlist')
    .forUpdate()
    .executeTakeFirstOrThrow();
  return last + 1;
}

/** Changes with everything that `revise` compares, but for the feed and the time. */
export async function versionOfRows(tx: Tx, instance: string): Promise<string> {
  const rows = await tx
    .selectFrom('allowlist_revision')
    .select(['revision', 'status', sql<string>`xmin::text`.as('version')])
    .where('instance_id', '=', instance)
    .where('status', '!=', 'superseded')
    .orderBy('revision')
    .execute();
  return rows.map(({ revision, status, version }) => `${revision} ${status} ${version}`).join(',');
}

export async function readByStatus(tx: Tx, instance: string, status: 'seen' | 'published'): Promise<StoredRevision | null> {
  const row = await tx
    .selectFrom('allowlist_revision')
    .selectAll()
    .where('instance_id', '=', instance)
    .where('status', '=', status)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? toRevision(row) : null;
}

export async function readRevision(tx: Tx, instance: string, revision: number): Promise<StoredRevision | null> {
  const row = await tx
    .selectFrom('allowlist_revision')
    .selectAll()
    .where('instance_id', '=', instance)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row ? toRevision(row) : null;
}

/** Newest first. */
export async function listRevisions(tx: Tx, instance: string, limit: number, after: number | null): Promise<AllowlistRevision[]> {
  const rows = await tx
    .selectFrom('allowlist_revision')
    .select(['revision', 'status', 'sync_token', 'content_hash', 'seen_at', 'published_at', 'published_by', 'due_at', 'diff'])
    .where('instance_id', '=', instance)
    .$if(after !== null, (query) => query.where('revision', '<', after ?? 0))
    .orderBy('revision', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) =>
    viewOf({
      revision: row.revision,
      status: row.status,
      syncToken: row.sync_token,
      hash: row.content_hash,
      seenAt: row.seen_at,
      publishedAt: row.published_at,
      publishedBy: row.published_by,
      diff: AllowlistDiff.parse(row.diff),
    }),
  );
}

/** Takes the place of what was seen before and not published. */
export async function keepSeen(
  tx: Tx,
  { tenant, id }: DocumentInstance,
  seen: Pick<StoredRevision, 'revision' | 'body' | 'hash' | 'diff' | 'seenAt'>,
): Promise<void> {
  await dropSeen(tx, id);
  await tx
    .insertInto('allowlist_revision')
    .values({
      tenant_id: tenant,
      instance_id: id,
      revision: seen.revision,
      body: JSON.stringify(seen.body),
      content_hash: seen.hash,
      sync_token: seen.body.ipRanges.syncToken,
      diff: JSON.stringify(seen.diff),
      status: 'seen',
      seen_at: seen.seenAt,
      due_at: dueAt(seen.diff),
    })
    .execute();
}

export async function dropSeen(tx: Tx, instance: string): Promise<void> {
  await tx.deleteFrom('allowlist_revision').where('instance_id', '=', instance).where('status', '=', 'seen').execute();
}

export async function markPublished(
  tx: Tx,
  instance: string,
  { seen, issued, body, by, now }: { seen: number; issued: number; body: Allowlist; by: string | null; now: Date },
): Promise<void> {
  await tx
    .updateTable('allowlist_revision')
    .set({ status: 'superseded' })
    .where('instance_id', '=', instance)
    .where('status', '=', 'published')
    .execute();
  await tx
    .updateTable('allowlist_revision')
    .set({ status: 'published', revision: issued, body: JSON.stringify(body), published_at: now, published_by: by })
    .where('instance_id', '=', instance)
    .where('revision', '=', seen)
    .execute();
}

/** The instances of the transaction's tenant, and how it wants new revisions. */
export async function readInstances(tx: Tx): Promise<{ instances: DocumentInstance[]; approval: 'automatic' | 'manual' }> {
  const instances = await tx
    .selectFrom('instance')
    .select(['tenant_id as tenant', 'instance_id as id', 'alias', 'region'])
    .orderBy('alias')
    .orderBy(sql`region`)
    .execute();
  const settings = await tx.selectFrom('tenant_settings').select('allowlist_approval').executeTakeFirst();
  return { instances, approval: settings?.allowlist_approval ?? 'manual' };
}

function viewOf(revision: Omit<StoredRevision, 'body'> & { syncToken: string }): AllowlistRevision {
  const { diff, hash } = revision;
  return {
    revision: revision.revision,
    status: revision.status,
    syncToken: revision.syncToken,
    contentHash: hash.toString('hex'),
    seenAt: revision.seenAt.toISOString(),
    publishedAt: revision.publishedAt?.toISOString() ?? null,
    publishedBy: revision.publishedBy,
    dueAt: dueAt(diff),
    counts: {
      added: diff.added.length,
      removed: diff.removed.length,
      rows: diff.rows.added.length + diff.rows.removed.length + diff.rows.changed.length,
      hosts: diff.hosts.added.length + diff.hosts.removed.length,
    },
  };
}

export function viewOfStored(stored: StoredRevision): AllowlistRevision {
  return viewOf({ ...stored, syncToken: stored.body.ipRanges.syncToken });
}

function toRevision(row: {
  revision: number;
  status: StoredRevision['status'];
  body: unknown;
  content_hash: Buffer;
  diff: unknown;
  seen_at: Date;
  published_at: Date | null;
  published_by: string | null;
}): StoredRevision {
  return {
    revision: row.revision,
    status: row.status,
    body: Allowlist.parse(row.body),
    hash: row.content_hash,
    diff: AllowlistDiff.parse(row.diff),
    seenAt: row.seen_at,
    publishedAt: row.published_at,
    publishedBy: row.published_by,
  };
}

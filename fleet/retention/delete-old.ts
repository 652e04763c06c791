import { sql } from 'kysely';
import type { Db } from '../db/tenancy.ts';

/** Of one transaction: short enough that intake never waits long for a page, and lost work is little. */
const BATCH = 5_000;
/** Of a stream in one run; the next day goes on. A first run after years holds nobody up. */
const MOST_A_RUN = 100_000;

interface Stream {
  table:
    | 'finding_change'
    | 'standing_change'
    | 'release_record'
    | 'desk_day'
    | 'key_use'
    | 'desk_epoch'
    | 'job_run'
    | 'notice'
    | 'signed_document'
    | 'device_certificate';
  /** Which of a tenant's rows are older than `before`. */
  older: (before: Date) => ReturnType<typeof sql>;
  most?: number;
}

const streams = {
  finding_change: { table: 'finding_change', older: (before) => sql`received_at < ${before}` },
  standing_change: { table: 'standing_change', older: (before) => sql`received_at < ${before}` },
  release_record: { table: 'release_record', older: (before) => sql`received_at < ${before}` },
  desk_day: { table: 'desk_day', older: (before) => sql`day < (${before}::timestamptz at time zone 'UTC')::date` },
  key_use: { table: 'key_use', older: (before) => sql`at < ${before}` },
  // Numbers of epochs that ended. The current one stays, however long its desk is off.
  desk_epoch: {
    table: 'desk_epoch',
    older: (before) => sql`last_at < ${before} and not exists (select from desk_state s
      where s.tenant_id = desk_epoch.tenant_id and s.device_id = desk_epoch.device_id and s.epoch = desk_epoch.epoch)`,
  },
  notice: { table: 'notice', older: (before) => sql`at < ${before}` },
  job_run: { table: 'job_run', older: (before) => sql`day < (${before}::timestamptz at time zone 'UTC')::date` },
  // What a desk may still ask for stays: every rotation, what it says it holds, and of each audience the newest. Sets of waivers are
  // signed anew where one comes back.
  signed_document: {
    table: 'signed_document',
    most: MOST_A_RUN,
    older: (before) => sql`issued_at < ${before} and kind <> 'keys'
      and (kind = 'waivers' or exists (select from signed_document newer
        where newer.tenant_id = signed_document.tenant_id and newer.instance_id = signed_document.instance_id
          and newer.kind = signed_document.kind and newer.audience = signed_document.audience
          and newer.revision > signed_document.revision))
      and not exists (select from (
          select h.tenant_id, h.instance_id, e.key as kind, e.value::bigint as revision
          from desk_heartbeat h join device d on d.tenant_id = h.tenant_id and d.id = h.device_id and d.status = 'enrolled'
          cross join lateral jsonb_each_text(h.held) e) held
        where held.tenant_id = signed_document.tenant_id and held.instance_id = signed_document.instance_id
          and held.kind = signed_document.kind and held.revision = signed_document.revision)`,
  },
  device_certificate: { table: 'device_certificate', most: MOST_A_RUN, older: (before) => sql`not_after < ${before}` },
} satisfies Record<string, Stream>;

/**
 * Deletes in batches, each committed by itself: whoever stops or dies in the midst has lost nothing but time. Returns how many
 * rows.
 */
export async function deleteOld(
  db: Db,
  tenant: string,
  name: keyof typeof streams,
  before: Date,
  stop: AbortSignal | undefined,
): Promise<number> {
  const { table, older, most = Number.POSITIVE_INFINITY }: Stream = streams[name];
  for (let deleted = 0; ; ) {
    const count = await db.within({ tenant }, async (tx) => {
      // By place in the table, of its partition: of a partitioned one the pair is what names a row.
      const { rows } = await sql<{ count: number }>`
        with old as (
          select tableoid, ctid from ${sql.table(table)} where tenant_id = ${tenant} and ${older(before)} limit ${BATCH}
          for update skip locked
        ), gone as (
          delete from ${sql.table(table)} t using old where t.tableoid = old.tableoid and t.ctid = old.ctid returning 1
        )
        select count(*)::int as count from gone`.execute(tx);
      return rows[0]?.count ?? 0;
    });
    deleted += count;
    if (count < BATCH || deleted >= most || stop?.aborted) return deleted;
  }
}

import { sql } from 'kysely';
import type { Db } from '../db/tenancy.ts';

/** Of one transaction: short enough that intake never waits long for a page, and lost work is little. */
const BATCH = 5_000;

interface Stream {
  table: 'finding_change' | 'standing_change' | 'release_record' | 'desk_day' | 'key_use' | 'desk_epoch' | 'job_run' | 'notice';
  /** Which of a tenant's rows are older than `before`. */
  older: (before: Date) => ReturnType<typeof sql>;
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
  const { table, older } = streams[name];
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
    if (count < BATCH || stop?.aborted) return deleted;
  }
}

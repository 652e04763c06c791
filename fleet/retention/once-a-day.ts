import { sql } from 'kysely';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';

/** Of whoever began a job and did not end it: taken for dead. Longer than any tenant's day of work. */
const TAKEN_FOR_DEAD_MS = 2 * 60 * 60_000;

/**
 * Runs a tenant's work of a day, unless some replica did or does. What was begun and never ended is begun again: the work must be
 * resumable. The day is of UTC. `work` gives null when it was stopped: the next call goes on.
 */
export async function onceADay(
  db: Db,
  tenant: string,
  job: string,
  now: () => Date,
  work: () => Promise<Record<string, number> | null>,
): Promise<Record<string, number> | null> {
  const day = now().toISOString().slice(0, 10);
  const started = now();
  const claimed = await db.within({ tenant }, async (tx) => {
    // Two that find no row would both insert one: the second would fail, not wait.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`${tenant} ${job}`}, 0))`.execute(tx);
    return claim(tx, { tenant, job, day, started });
  });
  if (!claimed) return null;
  let outcome: Record<string, number> | null = null;
  try {
    outcome = await work();
  } finally {
    await end(outcome);
  }
  return outcome;

  function end(result: Record<string, number> | null): Promise<unknown> {
    return db.within({ tenant }, (tx) => {
      if (result === null) return release(tx);
      return tx
        .updateTable('job_run')
        .set({ finished_at: now(), outcome: JSON.stringify(result) })
        .where('tenant_id', '=', tenant)
        .where('job', '=', job)
        .where('day', '=', day)
        .execute();
    });
  }

  /** Not done: whoever looks next begins again. */
  function release(tx: Tx): Promise<unknown> {
    return tx.deleteFrom('job_run').where('tenant_id', '=', tenant).where('job', '=', job).where('day', '=', day).execute();
  }
}

async function claim(tx: Tx, { tenant, job, day, started }: { tenant: string; job: string; day: string; started: Date }): Promise<boolean> {
  const row = await tx
    .selectFrom('job_run')
    .select(['started_at', 'finished_at'])
    .where('tenant_id', '=', tenant)
    .where('job', '=', job)
    .where('day', '=', day)
    .executeTakeFirst();
  if (row && (row.finished_at !== null || started.getTime() - row.started_at.getTime() < TAKEN_FOR_DEAD_MS)) return false;
  await tx
    .insertInto('job_run')
    .values({ tenant_id: tenant, instance_id: NIL_ID, job, day, started_at: started })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'job', 'day']).doUpdateSet({ started_at: started }))
    .execute();
  return true;
}

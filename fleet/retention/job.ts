import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { AuditRecord } from '../../contracts/console/audit.ts';
import { appendAudit } from '../audit/append.ts';
import { removeOldAudit } from '../audit/removal.ts';
import { type Db, NIL_ID } from '../db/tenancy.ts';
import { removeSpentSignIns } from '../sign-in/spent.ts';
import { deleteOld } from './delete-old.ts';
import { onceADay } from './once-a-day.ts';
import { rollUp } from './roll-up.ts';
import { RetentionSettings } from './settings.ts';

const DAY_MS = 86_400_000;
const MONTHS_AHEAD = 3;
/** An epoch that ended is forgotten once no desk can still have a report of it: an outbox drops what is older. */
const EPOCH_DAYS = 60;
const JOB_RUN_DAYS = 400;
/** A certificate renews itself for 90 days after its end. A desk that is away for longer enrols anew, and asks for the newest. */
const AWAY_DAYS = 91;
const JOB = 'retention';

export interface RetentionDeps {
  db: Db;
  now: () => Date;
  /** Ends between two batches; the rest is done at the next call. */
  stop?: AbortSignal;
}

/**
 * Once a day for each tenant, by whichever replica comes first: rolls up the day before, then deletes what is older than the tenant
 * chose. Rows go by deletes, since partitions are shared by tenants that chose differently; months that are older than every
 * tenant's choice, and hence empty, are then dropped, which gives their room back. May be called as often as one likes.
 */
export async function runRetention({ db, now, stop }: RetentionDeps): Promise<void> {
  const tenants = await db.tenants();
  const [first] = tenants;
  if (!first) return;
  await db.within({ tenant: first.id }, (tx) =>
    sql`select make_history_partitions(${now().toISOString().slice(0, 10)}::date, ${MONTHS_AHEAD})`.execute(tx),
  );
  const faults: unknown[] = [];
  let longest = 0;
  let longestAudit = 0;
  let worked = false;
  for (const { id } of tenants) {
    if (stop?.aborted) return;
    try {
      const settings = await settingsOf(db, id);
      longest = Math.max(longest, settings.history);
      longestAudit = Math.max(longestAudit, settings.audit);
      if (await onceADay(db, id, JOB, now, () => workOn(db, id, settings, now(), stop))) worked = true;
    } catch (error) {
      // The others' data does not stay for it.
      faults.push(error);
    }
  }
  if (faults.length > 0)
    throw new AggregateError(faults, `retention failed for ${faults.length} of ${tenants.length} tenants: ${faults[0]}`);
  // What no tenant could be named for is kept for as long as any tenant keeps its own.
  await onceADay(db, NIL_ID, JOB, now, () => workOnDeployment(db, longestAudit, now(), stop));
  // Keeps intake out for a moment wherever an old month is still in use, so not with every look.
  if (!worked) return;
  await db.within({ tenant: first.id }, (tx) => sql`select drop_history_partitions(${daysBefore(now(), longest)})`.execute(tx));
}

async function workOnDeployment(db: Db, audit: number, now: Date, stop: AbortSignal | undefined): Promise<Record<string, number>> {
  const counts = {
    key_use: await deleteOld(db, NIL_ID, 'key_use', daysBefore(now, audit), stop),
    job_run: await deleteOld(db, NIL_ID, 'job_run', daysBefore(now, JOB_RUN_DAYS), stop),
    // Addresses name people.
    deny_entry: await db.within({ tenant: NIL_ID }, async (tx) =>
      Number((await tx.deleteFrom('deny_entry').where('until', '<=', now).executeTakeFirst()).numDeletedRows),
    ),
    audit_record: await removeOldAudit(db, NIL_ID, audit, now),
  };
  await db.within({ tenant: NIL_ID }, (tx) => appendAudit(tx, NIL_ID, recordOf(counts, now)));
  return counts;
}

/** Null when it was stopped in the midst. */
async function workOn(
  db: Db,
  tenant: string,
  { history, rollups, audit }: RetentionSettings,
  now: Date,
  stop: AbortSignal | undefined,
): Promise<Record<string, number> | null> {
  const counts: Record<string, number> = { rolledUp: await rollUp(db, tenant, now, history) };
  const days = {
    ...{ finding_change: history, standing_change: history, release_record: history, notice: history },
    ...{ desk_day: rollups, key_use: audit, desk_epoch: EPOCH_DAYS, job_run: JOB_RUN_DAYS },
    ...{ signed_document: AWAY_DAYS, device_certificate: AWAY_DAYS },
  };
  for (const stream of Object.keys(days) as (keyof typeof days)[]) {
    if (stop?.aborted) return null;
    counts[stream] = await deleteOld(db, tenant, stream, daysBefore(now, days[stream]), stop);
  }
  if (stop?.aborted) return null;
  counts.sign_in = await db.within({ tenant }, (tx) => removeSpentSignIns(tx, now));
  counts.audit_record = await removeOldAudit(db, tenant, audit, now);
  await db.within({ tenant }, (tx) => appendAudit(tx, tenant, recordOf(counts, now)));
  return counts;
}

/** With the counts by stream, as targets. */
function recordOf(counts: Record<string, number>, now: Date): AuditRecord {
  return {
    eventId: randomUUID(),
    at: now.toISOString(),
    actor: { kind: 'system' },
    action: 'retention.applied',
    status: 200,
    targets: Object.entries(counts).map(([stream, count]) => ({ type: 'Stream', id: `${stream}:${count}` })),
    requestId: 'retention',
  };
}

async function settingsOf(db: Db, tenant: string): Promise<RetentionSettings> {
  const { retention } = await db.within({ tenant }, (tx) =>
    tx.selectFrom('tenant_settings').select('retention').where('tenant_id', '=', tenant).executeTakeFirstOrThrow(),
  );
  return RetentionSettings.parse(retention);
}

function daysBefore(now: Date, days: number): Date {
  return new Date(now.getTime() - days * DAY_MS);
}

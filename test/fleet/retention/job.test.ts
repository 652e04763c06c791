import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { runRetention } from '../../../fleet/retention/job.ts';
import { RetentionSettings, retentionTemplates } from '../../../fleet/retention/settings.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { withClient } from '../db/raw.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aHeartbeat, aReport, failing } from '../intake/desk-reports.ts';
import { openIntake, type TestIntake } from '../intake/open-intake.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.parse('2026-03-02T00:00:00Z');

describe('retention settings', () => {
  it('are whole or refused', () => {
    for (const template of Object.values(retentionTemplates)) expect(RetentionSettings.parse(template)).toEqual(template);
    for (const broken of [
      {},
      { history: 90, rollups: 90 },
      { history: 90, rollups: 90, audit: 10 },
      { history: 1, rollups: 90, audit: 90 },
    ]) {
      expect(RetentionSettings.safeParse(broken).success).toBe(false);
    }
  });
});

describeWithDatabase('the retention job', () => {
  let database: TestDatabase;
  let replica: TestIntake;
  let now = MIDNIGHT;

  beforeAll(async () => {
    database = await openTestDatabase();
    replica = await openIntake(database.appUrl, () => new Date(now));
  });
  afterAll(async () => {
    await replica?.close();
    await database?.close();
  });

  async function aTenant(retention = { history: 30, rollups: 90, audit: 90 }) {
    const scope = await addTenant(database.db, { retention });
    const [device = ''] = await addDevices(database.db, scope, 1);
    return { ...scope, device };
  }
  type Desk = Awaited<ReturnType<typeof aTenant>>;

  async function tell(desk: Desk, ms: number, standing: 'clear' | 'blocked', madeMs = ms): Promise<void> {
    now = ms;
    const madeAt = new Date(madeMs).toISOString();
    const findings = standing === 'blocked' ? [failing('turn')] : [];
    await replica.intake.report(desk, aReport(desk.device, { epoch: randomUUID(), standing, madeAt, findings }));
  }
  async function beat(desk: Desk, from: number, to: number, standing: 'clear' | 'blocked'): Promise<void> {
    for (now = from; now <= to; now += 10 * 60_000) {
      await replica.intake.heartbeat(desk, aHeartbeat({ standing, sentAt: new Date(now).toISOString() }));
    }
  }
  /** As many heartbeats would. */
  function keepHeard(desk: Desk, ms: number) {
    const at = new Date(ms);
    return database.db.within({ tenant: desk.tenant }, (tx) => tx.updateTable('desk_state').set({ heard_at: at, said_at: at }).execute());
  }
  const run = (ms: number, stop?: AbortSignal) =>
    runRetention({ db: database.db, now: () => new Date(ms), ...(stop === undefined ? {} : { stop }) });

  function rowsOf(
    desk: Desk,
    table: 'finding_change' | 'standing_change' | 'desk_day' | 'desk_epoch' | 'job_run' | 'audit_record' | 'device_certificate',
  ) {
    return database.db.within({ tenant: desk.tenant }, async (tx) => {
      const { rows } = await sql<{ count: number }>`select count(*)::int as count from ${sql.table(table)}`.execute(tx);
      return rows[0]?.count;
    });
  }
  function dayOf(desk: Desk, day: string) {
    return database.db.within({ tenant: desk.tenant }, (tx) =>
      tx
        .selectFrom('desk_day')
        .select(['clear_sec', 'blocked_sec', 'undetermined_sec', 'changes'])
        .where('device_id', '=', desk.device)
        .where('day', '=', day)
        .executeTakeFirst(),
    );
  }

  it('sums up the day before: each stretch by its standing, and silence as what nobody knows', async () => {
    const desk = await aTenant();
    await tell(desk, MIDNIGHT + 8 * HOUR, 'clear');
    await beat(desk, MIDNIGHT + 8 * HOUR, MIDNIGHT + 9 * HOUR, 'clear');
    await tell(desk, MIDNIGHT + 9 * HOUR, 'blocked');
    await beat(desk, MIDNIGHT + 9 * HOUR, MIDNIGHT + 11 * HOUR, 'blocked');
    await run(MIDNIGHT + DAY + HOUR);
    // Heard until 11:00, and good for a quarter of an hour more.
    expect(await dayOf(desk, '2026-03-02')).toEqual({
      clear_sec: 3_600,
      blocked_sec: 2 * 3_600 + 900,
      undetermined_sec: 86_400 - 3 * 3_600 - 900,
      changes: 2,
    });
  });

  it('cuts at midnight, and corrects a day of which a desk tells late', async () => {
    const desk = await aTenant();
    await tell(desk, MIDNIGHT + 23 * HOUR, 'blocked');
    await beat(desk, MIDNIGHT + 23 * HOUR, MIDNIGHT + 25 * HOUR, 'blocked');
    await run(MIDNIGHT + DAY + HOUR);
    expect(await dayOf(desk, '2026-03-02')).toMatchObject({ blocked_sec: 3_600, changes: 1 });
    await tell(desk, MIDNIGHT + DAY + HOUR, 'clear', MIDNIGHT + 23.5 * HOUR);
    await run(MIDNIGHT + 2 * DAY + HOUR);
    expect(await dayOf(desk, '2026-03-02')).toMatchObject({ blocked_sec: 1_800, clear_sec: 1_800, changes: 2 });
    expect(await dayOf(desk, '2026-03-03')).toMatchObject({ blocked_sec: 0 });
  });

  it('knows how a desk stood of which no line is kept any more, and before the first that is', async () => {
    const [steady, changed] = [
      await aTenant({ history: 7, rollups: 90, audit: 90 }),
      await aTenant({ history: 7, rollups: 90, audit: 90 }),
    ];
    const later = MIDNIGHT + 20 * DAY;
    for (const desk of [steady, changed]) await tell(desk, MIDNIGHT + HOUR, 'clear');
    await run(later - DAY);
    for (const desk of [steady, changed]) {
      expect(await rowsOf(desk, 'standing_change')).toBe(0);
      await keepHeard(desk, later + 6 * HOUR);
    }
    await tell(changed, later + 6 * HOUR, 'blocked');
    for (const desk of [steady, changed]) await keepHeard(desk, later + DAY);
    await run(later + DAY + HOUR);
    expect(await dayOf(steady, '2026-03-22')).toEqual({ clear_sec: 86_400, blocked_sec: 0, undetermined_sec: 0, changes: 0 });
    expect(await dayOf(changed, '2026-03-22')).toEqual({
      clear_sec: 6 * 3_600,
      blocked_sec: 18 * 3_600,
      undetermined_sec: 0,
      changes: 1,
    });
  });

  it('fills the days on which no server ran, and goes on from where each desk stands', async () => {
    const desk = await aTenant();
    await tell(desk, MIDNIGHT + HOUR, 'blocked');
    await run(MIDNIGHT + DAY);
    await run(MIDNIGHT + 4 * DAY);
    expect(await rowsOf(desk, 'desk_day')).toBe(4);
    expect(await dayOf(desk, '2026-03-04')).toMatchObject({ undetermined_sec: 86_400 });
  });

  it('leaves out desks that are out of service', async () => {
    const desk = await aTenant();
    await database.db.within({ tenant: desk.tenant }, (tx) => tx.updateTable('device').set({ status: 'retired' }).execute());
    await run(MIDNIGHT + 3 * DAY);
    expect(await rowsOf(desk, 'desk_day')).toBe(0);
  });

  it('runs once a day for each tenant, whoever of two replicas comes first', async () => {
    const desk = await aTenant();
    const day = MIDNIGHT + 5 * DAY;
    await Promise.all([run(day), run(day), run(day)]);
    await run(day + 9 * HOUR);
    expect(await rowsOf(desk, 'job_run')).toBe(1);
    const applied = await database.db.within({ tenant: desk.tenant }, (tx) =>
      tx.selectFrom('audit_record').select('record').where('action', '=', 'retention.applied').execute(),
    );
    expect(applied.length).toBe(1);
    await run(day + DAY);
    expect(await rowsOf(desk, 'job_run')).toBe(2);
  });

  it('deletes what is older than the tenant chose, and nothing of a tenant that chose otherwise', async () => {
    const [short, long] = [await aTenant(), await aTenant({ history: 60, rollups: 90, audit: 90 })];
    const old = MIDNIGHT + 10 * DAY;
    for (const desk of [short, long]) {
      await tell(desk, old, 'blocked');
      await tell(desk, old + 20 * DAY, 'clear');
    }
    await run(old + 31 * DAY);
    // The silence between the two came in with the second, and ends with it.
    expect([await rowsOf(short, 'finding_change'), await rowsOf(long, 'finding_change')]).toEqual([1, 2]);
    expect([await rowsOf(short, 'standing_change'), await rowsOf(long, 'standing_change')]).toEqual([2, 3]);
    await run(old + 100 * DAY);
    for (const desk of [short, long]) {
      expect([await rowsOf(desk, 'finding_change'), await rowsOf(desk, 'standing_change')]).toEqual([0, 0]);
      // The epoch of the last report stays, the one before is forgotten.
      expect(await rowsOf(desk, 'desk_epoch')).toBe(1);
      expect(await verifyAudit(database.db, desk.tenant)).toMatchObject({ broken: null });
    }
  });

  it('makes months ahead, and drops those that no tenant keeps', async () => {
    await run(Date.parse('2027-01-10T00:00:00Z'));
    expect(await partitions()).toContain('finding_change_202703');
    await run(Date.parse('2029-06-10T00:00:00Z'));
    const left = await partitions();
    expect(left).toContain('standing_change_202908');
    expect(left).not.toContain('finding_change_202703');
    expect(left).toContain('finding_change_rest');
  });

  it('locks the history for old months once a day, and not with every look', async () => {
    const desk = await aTenant();
    const day = Date.parse('2029-07-10T00:00:00Z');
    await run(day);
    await database.db.within({ tenant: desk.tenant }, (tx) => sql`select make_history_partitions('2020-01-01', 1)`.execute(tx));
    await run(day + HOUR);
    expect(await partitions()).toContain('finding_change_202001');
    await run(day + DAY);
    expect(await partitions()).not.toContain('finding_change_202001');
    expect(await rowsOf(desk, 'job_run')).toBe(2);
  });

  it('goes on after it was stopped', async () => {
    const desk = await aTenant();
    const day = MIDNIGHT + 2_000 * DAY;
    await run(day, AbortSignal.abort());
    expect(await rowsOf(desk, 'job_run')).toBe(0);
    await run(day);
    expect(await rowsOf(desk, 'job_run')).toBe(1);
  });

  it('works on the other tenants when the settings of one cannot be read, and says so', async () => {
    const [broken, fine] = [await aTenant(), await aTenant()];
    await withClient(database.adminUrl, (admin) =>
      admin.query("update tenant_settings set retention = '{}' where tenant_id = $1", [broken.tenant]),
    );
    await expect(run(MIDNIGHT + 2_100 * DAY)).rejects.toThrow('1 of');
    expect([await rowsOf(broken, 'job_run'), await rowsOf(fine, 'job_run')]).toEqual([0, 1]);
  });

  async function partitions(): Promise<string[]> {
    const [first] = await database.db.tenants();
    return database.db.within({ tenant: first?.id ?? '' }, async (tx) => {
      const { rows } = await sql<{ name: string }>`
        select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid order by 1`.execute(tx);
      return rows.map(({ name }) => name);
    });
  }
});

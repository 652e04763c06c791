import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { lockDesks } from '../../../fleet/intake/desk-rows.ts';
import type { Caller } from '../../../fleet/intake/intake.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aHeartbeat, aReport, failing, START } from './desk-reports.ts';
import { openIntake, type TestIntake } from './open-intake.ts';
import { deskOf, historyOf } from './stored-desk.ts';

const now = () => new Date(START);

describeWithDatabase('batches', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let replica: TestIntake;
  let scope: { tenant: string; instance: string };

  beforeAll(async () => {
    database = await openTestDatabase();
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    scope = await addTenant(database.db);
    replica = await openIntake(database.appUrl, now);
  });
  afterAll(async () => {
    await replica?.close();
    await admin?.end();
    await database?.close();
  });

  async function desksOf(count: number): Promise<Caller[]> {
    return (await addDevices(database.db, scope, count)).map((device) => ({ ...scope, device }));
  }

  function auditOf(action: string): Promise<{ count: number; total: number }> {
    return database.db.within(scope, async (tx) => {
      const { rows } = await sql<{ count: number; total: number }>`
        select count(*)::int as count, coalesce(sum((record::jsonb->>'count')::int), 0)::int as total
        from audit_record where action = ${action}`.execute(tx);
      return rows[0] ?? { count: 0, total: 0 };
    });
  }

  it('gathers what comes together, in one entry of the audit for each batch', async () => {
    const desks = await desksOf(120);
    const before = await auditOf('reports.accepted');
    await Promise.all(desks.map((desk) => replica.intake.report(desk, aReport(desk.device))));
    await Promise.all(desks.map((desk) => replica.intake.heartbeat(desk, aHeartbeat())));
    const after = await auditOf('reports.accepted');
    expect(after.total - before.total).toBe(120);
    expect(after.count - before.count).toBeLessThan(10);
    expect((await auditOf('heartbeats.accepted')).total).toBe(120);
  });

  it('stores the neighbours of a report that the database refuses, and refuses that one alone', async () => {
    const desks = await desksOf(40);
    await admin.query(`
      create function poison() returns trigger language plpgsql as $$ begin raise exception 'poison'; end $$;
      create trigger poison before insert on finding for each row when (new.rule = 'poison') execute function poison()`);
    try {
      const answers = await Promise.allSettled(
        desks.map((desk, index) =>
          replica.intake.report(desk, aReport(desk.device, { findings: [failing(index === 17 ? 'poison' : 'turn')] })),
        ),
      );
      expect(answers.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([17]);
      expect(answers[17]).toMatchObject({ reason: { code: 'bad-request' } });
    } finally {
      await admin.query('drop trigger poison on finding; drop function poison');
    }
    for (const [index, desk] of desks.entries()) {
      const { findings, wantFull } = await deskOf(database.db, replica.keyring, desk);
      expect([Object.keys(findings), wantFull]).toEqual(index === 17 ? [[], true] : [['turn'], false]);
    }
  });

  it('refuses what there is no room for at once, with a time to come again, and answers what it took in', async () => {
    const small = await openIntake(database.appUrl, now, {
      keyDir: replica.keyDir,
      limits: { maxWaiting: 8, maxBatch: 4, maxInFlight: 1 },
    });
    try {
      const desks = await desksOf(20);
      const answers = await Promise.allSettled(desks.map((desk) => small.intake.report(desk, aReport(desk.device))));
      expect(answers.map(({ status }) => status)).toEqual([...Array(8).fill('fulfilled'), ...Array(12).fill('rejected')]);
      expect(answers[19]).toMatchObject({ reason: { code: 'slow-down', place: { retryAfterSec: 5 } } });
      expect(small.intake.waiting().reports).toBe(0);
    } finally {
      await small.close();
    }
  });

  it('bounds what waits by its size, too', async () => {
    const small = await openIntake(database.appUrl, now, { keyDir: replica.keyDir, limits: { maxWaitingBytes: 60_000 } });
    try {
      const desks = await desksOf(3);
      const findings = [failing('turn', 'x', { evidence: 'y'.repeat(40_000) })];
      const answers = await Promise.allSettled(desks.map((desk) => small.intake.report(desk, aReport(desk.device, { findings }))));
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    } finally {
      await small.close();
    }
  });

  it('answers all that it took in before it stops, and takes nothing more', async () => {
    const other = await openIntake(database.appUrl, now, { keyDir: replica.keyDir });
    const [one, two] = await desksOf(2);
    if (!one || !two) throw new Error('no desks');
    const taken = other.intake.report(one, aReport(one.device));
    const stopped = other.intake.stop();
    await expect(other.intake.report(two, aReport(two.device))).rejects.toMatchObject({ code: 'unavailable' });
    await stopped;
    expect(await taken).toEqual({ schema: 1, accepted: true, sealedFault: null });
    await other.close();
  });

  it('leaves nothing of a batch whose connection was cut before the commit, and takes it when it comes again', async () => {
    const desks = await desksOf(10);
    const reports = desks.map((desk) => aReport(desk.device));
    const cut = await openIntake(database.appUrl, now, {
      keyDir: replica.keyDir,
      appendAudit: async (tx) => void (await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx)),
    });
    try {
      const answers = await Promise.allSettled(desks.map((desk, index) => cut.intake.report(desk, reports[index])));
      for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'unavailable' } });
      for (const desk of desks) expect(await historyOf(database.db, desk)).toEqual([]);
    } finally {
      await cut.close();
    }
    await Promise.all(desks.map((desk, index) => replica.intake.report(desk, reports[index])));
    for (const desk of desks) expect((await historyOf(database.db, desk)).length).toBe(3);
  });

  it('lets two replicas write the same desks at once without a deadlock, each report once', async () => {
    const other = await openIntake(database.appUrl, now, { keyDir: replica.keyDir });
    try {
      const desks = await desksOf(30);
      const rounds = 12;
      for (let seq = 0; seq < rounds; seq++) {
        const reports = desks.map((desk) => aReport(desk.device, { seq, standing: seq % 2 === 0 ? 'clear' : 'blocked' }));
        const forth = desks.map((desk, index) => replica.intake.report(desk, reports[index]));
        const back = [...desks.entries()].reverse().map(([index, desk]) => other.intake.report(desk, reports[index]));
        const beats = desks.map((desk) => other.intake.heartbeat(desk, aHeartbeat()));
        await Promise.all([...forth, ...back, ...beats]);
      }
      for (const desk of desks) {
        const standings = (await historyOf(database.db, desk)).filter((line) => line.startsWith('standing'));
        expect(standings.length).toBe(rounds);
      }
      expect([...replica.retries, ...other.retries].map((error) => (error as { code?: string }).code)).not.toContain('40P01');
    } finally {
      await other.close();
    }
  });

  it('locks desks in the order of their ids, whatever order they are asked in, so that no two batches wait in a circle', async () => {
    const sorted = (await desksOf(40)).map(({ device }) => device).sort();
    const [lowest = '', ...others] = sorted;
    const { within } = database.db;
    const free = () =>
      within(scope, async (tx) => {
        const rows = tx.selectFrom('desk_state').select('device_id').where('device_id', 'in', others).forNoKeyUpdate().skipLocked();
        return (await rows.execute()).length;
      });
    let batch: Promise<unknown> = Promise.resolve();
    await within(scope, async (tx) => {
      await lockDesks(tx, scope, [lowest]);
      batch = within(scope, (late) => lockDesks(late, scope, [...sorted].reverse()));
      await untilWaiting();
      // It waits for the first, and holds none of the rest.
      expect(await free()).toBe(others.length);
    });
    await batch;
  });

  async function untilWaiting(): Promise<void> {
    for (;;) {
      const { rows } = await admin.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%no key update of s%'",
      );
      if (rows.length > 0) return;
      await delay(10);
    }
  }

  it('keeps the tenants apart that report at once, and their chains whole', async () => {
    const foreign = await addTenant(database.db);
    const [device = ''] = await addDevices(database.db, foreign, 1);
    const [mine] = await desksOf(1);
    if (!mine) throw new Error('no desk');
    const answers = await Promise.allSettled([
      replica.intake.report({ ...foreign, device }, aReport(device)),
      replica.intake.report(mine, aReport(mine.device)),
      // A device of another tenant, as if a certificate could say so.
      replica.intake.report({ ...scope, device }, aReport(device)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(answers[2]).toMatchObject({ reason: { code: 'not-enrolled' } });
    for (const { tenant } of [scope, foreign]) expect(await verifyAudit(database.db, tenant)).toMatchObject({ broken: null });
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { runRetention } from '../../../fleet/retention/job.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';

const DAY = 86_400_000;

describeWithDatabase('what belongs to no tenant', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database?.close());

  it('is removed as well: records of calls after the longest time that a tenant chose, addresses once they are let in again', async () => {
    const { db } = database;
    // The database goes by its own clock too.
    const now = new Date();
    for (const audit of [90, 120]) await addTenant(db, { retention: { history: 30, rollups: 90, audit } });
    const ago = (days: number) => new Date(now.getTime() - days * DAY);
    await db.within({ tenant: NIL_ID }, async (tx) => {
      for (const days of [200, 121, 119, 1]) {
        await appendAudit(tx, NIL_ID, {
          eventId: randomUUID(),
          at: ago(days).toISOString(),
          actor: { kind: 'nobody' },
          action: 'GET *',
          status: 404,
          targets: [],
          requestId: 'r',
        });
      }
      const entry = { tenant_id: NIL_ID, instance_id: NIL_ID, kind: 'address' as const, because: 'anonymous', at: ago(1) };
      await tx
        .insertInto('deny_entry')
        .values([
          { ...entry, subject: '192.0.2.1', until: ago(0) },
          { ...entry, subject: '192.0.2.2', until: ago(-1) },
        ])
        .execute();
    });
    const left = () =>
      db.within({ tenant: NIL_ID }, async (tx) => ({
        calls: (await tx.selectFrom('audit_record').select('at').where('action', '=', 'GET *').orderBy('seq').execute()).map(
          ({ at }) => at,
        ),
        addresses: (await tx.selectFrom('deny_entry').select('subject').execute()).map(({ subject }) => subject),
      }));
    await runRetention({ db, now: () => now });
    expect(await left()).toEqual({ calls: [ago(119), ago(1)], addresses: ['192.0.2.2'] });
    expect((await verifyAudit(db, NIL_ID)).broken).toBeNull();
    // Once a day.
    await runRetention({ db, now: () => now });
    const { records } = await db.within({ tenant: NIL_ID }, (tx) =>
      tx
        .selectFrom('audit_record')
        .select((eb) => eb.fn.countAll<number>().as('records'))
        .where('action', '=', 'retention.applied')
        .executeTakeFirstOrThrow(),
    );
    expect(records).toBe(1);
  });
});

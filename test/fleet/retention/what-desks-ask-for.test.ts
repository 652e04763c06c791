import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runRetention } from '../../../fleet/retention/job.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aHeartbeat } from '../intake/desk-reports.ts';
import { openIntake, type TestIntake } from '../intake/open-intake.ts';

const DAY = 86_400_000;
const MIDNIGHT = Date.parse('2026-03-02T00:00:00Z');
const nothing = aHeartbeat().held;

describeWithDatabase('retention of what desks ask for', () => {
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

  async function aDesk() {
    const scope = await addTenant(database.db);
    const [device = ''] = await addDevices(database.db, scope, 1);
    return { ...scope, device };
  }
  const run = (ms: number) => runRetention({ db: database.db, now: () => new Date(ms) });

  it('deletes documents that no desk can ask for any more, and leaves those that one may', async () => {
    const desk = await aDesk();
    const old = MIDNIGHT;
    const sign = (kind: string, revision: number, audience: string, at = old) =>
      database.db.within({ tenant: desk.tenant }, (tx) =>
        tx
          .insertInto('signed_document')
          .values({
            ...{ tenant_id: desk.tenant, instance_id: desk.instance, kind, revision, audience },
            ...{ content_hash: Buffer.alloc(32), envelope: '{}', issued_at: new Date(at) },
          })
          .execute(),
      );
    for (const kind of ['policy', 'waivers', 'allowlist', 'keys']) {
      for (const revision of [1, 2, 3]) await sign(kind, revision, kind === 'allowlist' ? '' : 'one');
    }
    await sign('policy', 4, 'two');
    await sign('policy', 5, 'one', old + 2 * DAY);
    await sign('waivers', 4, 'other');
    now = old;
    await replica.intake.heartbeat(desk, aHeartbeat({ held: { ...nothing, policy: 2, allowlist: 1, waivers: 3, keys: 1 } }));
    const left = () =>
      database.db.within({ tenant: desk.tenant }, async (tx) => {
        const rows = await tx.selectFrom('signed_document').select(['kind', 'revision']).orderBy('kind').orderBy('revision').execute();
        return rows.map(({ kind, revision }) => `${kind} ${revision}`);
      });
    await run(old + 91 * DAY);
    expect(await left()).toHaveLength(15);
    await run(old + 92 * DAY);
    const stay = ['allowlist 1', 'allowlist 3', 'keys 1', 'keys 2', 'keys 3', 'policy 2', 'policy 4', 'policy 5', 'waivers 3'];
    expect(await left()).toEqual(stay);
    // Who is out of service asks for nothing.
    await database.db.within({ tenant: desk.tenant }, (tx) => tx.updateTable('device').set({ status: 'retired' }).execute());
    await run(old + 95 * DAY);
    expect(await left()).toEqual(stay.filter((one) => !['allowlist 1', 'policy 2', 'waivers 3'].includes(one)));
  });

  it('deletes certificates that cannot be renewed any more, and so many in a run as are quickly done', async () => {
    const desk = await aDesk();
    const end = new Date(MIDNIGHT);
    await database.db.within({ tenant: desk.tenant }, (tx) =>
      sql`insert into device_certificate (tenant_id, instance_id, serial, device_id, not_before, not_after)
        select tenant_id, instance_id, n::text, id, ${end}, ${end}::timestamptz + case n when 0 then interval '3 days' else interval '0' end
        from device, generate_series(0, 105000) n`.execute(tx),
    );
    const left = () =>
      database.db.within({ tenant: desk.tenant }, async (tx) => {
        const { rows } = await sql<{ count: number }>`select count(*)::int as count from device_certificate`.execute(tx);
        return rows[0]?.count;
      });
    await run(MIDNIGHT + 91 * DAY);
    expect(await left()).toBe(105_001);
    await run(MIDNIGHT + 92 * DAY);
    expect(await left()).toBe(5_001);
    await run(MIDNIGHT + 93 * DAY);
    expect(await left()).toBe(1);
  });
});

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Db, NIL_ID, openDb } from '../../../fleet/db/tenancy.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { withClient } from './raw.ts';

describeWithDatabase('work within a tenant', () => {
  let database: TestDatabase;
  /** One connection, so that each piece of work follows the other on it. */
  let db: Db;
  const lost: string[] = [];

  beforeAll(async () => {
    database = await openTestDatabase();
    db = openDb({ url: database.appUrl, applicationName: 'tenancy test', max: 1, onError: (error) => lost.push(error.message) });
  });
  afterAll(async () => {
    await db?.end();
    await database?.close();
  });

  const aliases = (tenant: string, instance?: string) =>
    db.within({ tenant, ...(instance ? { instance } : {}) }, (tx) => tx.selectFrom('instance').select('alias').orderBy('alias').execute());

  it('sees one tenant after the other on one connection, and nothing left by the one before', async () => {
    const one = await addTenant(db, { alias: 'one' });
    const two = await addTenant(db, { alias: 'two' });
    const presented = Buffer.alloc(32, 7);
    expect(await db.within({ tenant: one.tenant, instance: one.instance, presented }, settings)).toEqual([
      one.tenant,
      one.instance,
      presented.toString('hex'),
    ]);
    expect(await db.within({ tenant: two.tenant }, settings)).toEqual([two.tenant, null, null]);
    expect(await aliases(one.tenant)).toEqual([{ alias: 'one' }]);
    expect(await aliases(two.tenant)).toEqual([{ alias: 'two' }]);
    expect(await aliases(two.tenant, one.instance)).toEqual([]);
    expect(await aliases(NIL_ID)).toEqual([]);
    expect((await db.tenants()).map(({ id }) => id)).toEqual(expect.arrayContaining([one.tenant, two.tenant]));
  });

  it('keeps nothing of work that threw, and everything of work that did not', async () => {
    const { tenant } = await addTenant(db);
    const add = (fails: boolean) =>
      db.within({ tenant }, async (tx) => {
        await tx
          .insertInto('instance')
          .values({ tenant_id: tenant, instance_id: randomUUID(), alias: fails ? 'gone' : 'kept', region: 'eu-central-1' })
          .execute();
        if (fails) throw new Error('on purpose');
      });
    await expect(add(true)).rejects.toThrow('on purpose');
    await add(false);
    expect(await aliases(tenant)).toEqual([{ alias: 'acme' }, { alias: 'kept' }]);
  });

  it('acknowledges nothing when a failed statement was caught and overlooked', async () => {
    const { tenant, instance } = await addTenant(db);
    const overlooked = db.within({ tenant }, async (tx) => {
      await tx
        .insertInto('instance')
        .values({ tenant_id: tenant, instance_id: randomUUID(), alias: 'lost', region: 'eu-central-1' })
        .execute();
      await sql`select 1 / 0`.execute(tx).catch(() => undefined);
      return 'done';
    });
    await expect(overlooked).rejects.toThrow('had failed before its commit');
    expect(await aliases(tenant, instance)).toEqual([{ alias: 'acme' }]);
  });

  it('ends with its work: what is asked of it later reaches no other tenant', async () => {
    const { tenant } = await addTenant(db);
    const kept = await db.within({ tenant }, async (tx) => ({ later: () => tx.selectFrom('instance').selectAll().execute() }));
    await expect(kept.later()).rejects.toThrow();
    const other = await addTenant(db);
    await db.within({ tenant: other.tenant }, async () => {
      await expect(kept.later()).rejects.toThrow();
    });
  });

  it('takes no scope that is not one', async () => {
    const work = async () => 'reached';
    await expect(async () => db.within({ tenant: '' }, work)).rejects.toThrow('UUID of its tenant');
    await expect(async () => db.within({ tenant: `${NIL_ID}' or '1` }, work)).rejects.toThrow('UUID of its tenant');
    await expect(async () => db.within({ tenant: NIL_ID, instance: 'acme' }, work)).rejects.toThrow('no UUID');
    await expect(async () => db.within({ tenant: NIL_ID, presented: Buffer.from('secret') }, work)).rejects.toThrow('no SHA-256');
  });

  it('reads times as Date, days as text and counters as numbers that are exact', async () => {
    const { tenant } = await addTenant(db);
    const read = (statement: ReturnType<typeof sql<{ value: unknown }>>) =>
      db.within({ tenant }, async (tx) => (await statement.execute(tx)).rows[0]?.value);
    expect(await read(sql`select '2026-03-01T00:30:00.123456+02'::timestamptz as value`)).toEqual(new Date('2026-02-28T22:30:00.123Z'));
    expect(await read(sql`select '2026-03-01'::date as value`)).toBe('2026-03-01');
    expect(await read(sql`select ${Number.MAX_SAFE_INTEGER}::bigint as value`)).toBe(Number.MAX_SAFE_INTEGER);
    await expect(read(sql`select 9007199254740993::bigint as value`)).rejects.toThrow('bigint 9007199254740993 is outside');
    expect(await read(sql`select array['10.0.0.0/8']::cidr[] as value`)).toEqual(['10.0.0.0/8']);
    expect(await read(sql`select array[${NIL_ID}]::uuid[] as value`)).toEqual([NIL_ID]);
    expect(await read(sql`select count(*) as value from device`)).toBe(0);
    expect(await read(sql`select current_setting('application_name') as value`)).toBe('tenancy test');
  });

  it('ends a statement, a wait for a lock and an idle transaction that take too long', async () => {
    const { tenant } = await addTenant(db);
    const limits = await db.within({ tenant }, async (tx) => {
      const { rows } = await sql<Record<string, string>>`select current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`.execute(tx);
      return rows[0];
    });
    expect(limits).toEqual({ statement: '30s', lock: '10s', idle: '1min' });
    const hasty = openDb({ url: database.appUrl, applicationName: 'hasty', max: 1, statementTimeoutMs: 50, onError: () => undefined });
    await expect(hasty.within({ tenant }, (tx) => sql`select pg_sleep(5)`.execute(tx))).rejects.toMatchObject({ code: '57014' });
    expect(await hasty.within({ tenant }, async () => 'works again')).toBe('works again');
    await hasty.end();
  });

  it('outlives connections that the server cuts, in use or not', async () => {
    const { tenant } = await addTenant(db);
    const cut = () =>
      withClient(database.adminUrl, (admin) =>
        admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tenancy test'"),
      );
    await cut();
    for (let looks = 0; lost.length === 0 && looks < 100; looks++) await delay(20);
    expect(lost).toEqual([expect.stringContaining('terminating connection')]);
    expect(await aliases(tenant)).toHaveLength(1);
    const inUse = db.within({ tenant }, async (tx) => {
      await cut();
      return tx.selectFrom('instance').selectAll().execute();
    });
    await expect(inUse).rejects.toThrow();
    expect(await aliases(tenant)).toHaveLength(1);
  });
});

async function settings(tx: Parameters<Parameters<Db['within']>[1]>[0]) {
  const { rows } = await sql<{ tenant: string; instance: string; presented: Buffer | null }>`
    select current_tenant() as tenant, current_instance() as instance, presented_hash() as presented`.execute(tx);
  return rows.flatMap(({ tenant, instance, presented }) => [tenant, instance, presented?.toString('hex') ?? null]);
}

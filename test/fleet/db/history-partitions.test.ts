import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { insertRow } from './fill-tables.ts';
import { codeOf, withClient } from './raw.ts';

describeWithDatabase('partitions of history', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database?.close());

  const ask = (statement: string) =>
    withClient(database.appUrl, async (client) => (await client.query<{ answer: unknown }>(statement)).rows[0]?.answer);
  const partitions = () =>
    withClient(database.ownerUrl, async (client) => {
      const { rows } = await client.query<{ name: string; kept: boolean }>(`
        select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as kept from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'finding_change'::regclass and c.relname ~ '_20(19|20)' order by 1`);
      return rows;
    });

  it('are made by the server, which owns none, with their row-level security', async () => {
    await ask("select make_history_partitions('2019-11-15', 3) as answer");
    await ask("select make_history_partitions('2019-12-31', 2) as answer");
    expect(await partitions()).toEqual(['201911', '201912', '202001'].map((month) => ({ name: `finding_change_${month}`, kept: true })));
  });

  it('are dropped once they are past and hold no row of any tenant', async () => {
    const { tenant, instance } = await addTenant(database.db);
    await withClient(database.adminUrl, async (admin) => {
      await insertRow(admin, 'finding_change', tenant, instance, 1);
      await admin.query("update finding_change set received_at = '2019-12-31T23:59:59Z'");
    });
    expect(await ask("select drop_history_partitions('2020-01-31T00:00:00Z') as answer")).toEqual(
      expect.arrayContaining(['finding_change_201911', 'standing_change_201912']),
    );
    expect(await partitions()).toEqual([
      { name: 'finding_change_201912', kept: true },
      { name: 'finding_change_202001', kept: true },
    ]);
    await database.db.within({ tenant }, (tx) => tx.deleteFrom('finding_change').execute());
    expect(await ask("select drop_history_partitions('2020-01-31T00:00:00Z') as answer")).toEqual(['finding_change_201912']);
  });

  it('are nobody else’s to make', async () => {
    const role = `other_${randomUUID().slice(0, 8)}`;
    await withClient(database.adminUrl, async (admin) => {
      await admin.query(`create role ${role}`);
      await admin.query(`set role ${role}`);
      expect(await codeOf(admin.query('select make_history_partitions(current_date, 1)'))).toBe('42501');
      await admin.query('reset role');
      await admin.query(`drop role ${role}`);
    });
  });
});

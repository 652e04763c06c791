import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { insertRow, loosenTables, tenantTables } from './fill-tables.ts';
import { codeOf, rolledBack, withClient } from './raw.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
const [a, b] = [randomUUID(), randomUUID()];
const [a1, a2, b1] = [randomUUID(), randomUUID(), randomUUID()];
/** Of tenant a: one row of each instance and one of the whole tenant. */
const ROWS_OF_A = 3;

// Raw SQL as the server's role, without one filter of the application's.
describeWithDatabase('rows of tenants are kept apart', () => {
  let database: TestDatabase;
  let tables: string[];

  beforeAll(async () => {
    database = await openTestDatabase();
    tables = await withClient(database.adminUrl, async (admin) => {
      await loosenTables(admin);
      const found = await tenantTables(admin);
      let nth = 0;
      for (const table of found) {
        for (const [tenant, instance] of placesOf(await keyOf(admin, table))) await insertRow(admin, table, tenant, instance, ++nth);
      }
      return found;
    });
  });
  afterAll(() => database?.close());

  const asApp = (settings: Record<string, string>, work: (client: pg.Client) => Promise<void>) =>
    withClient(database.appUrl, async (client) => {
      for (const [name, value] of Object.entries(settings))
        await client.query('select set_config($1, $2, false)', [`deskwarden.${name}`, value]);
      await work(client);
    });

  it('covers the tables that there are', () => {
    expect(tables).toContain('audit_record');
    expect(tables).toContain('finding_change');
    expect(tables.length).toBeGreaterThan(35);
  });

  it('every table of tenants, and every partition, has enabled and forced row-level security with the one policy', async () => {
    const rows = await withClient(database.ownerUrl, async (client) => {
      const result = await client.query<{ name: string; kept: boolean; policies: number }>(`
        select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as kept,
          (select count(*)::int from pg_policy p where p.polrelid = c.oid and p.polcmd = '*') as policies
        from pg_class c join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`);
      return result.rows;
    });
    expect(rows.filter(({ name }) => /^(finding|standing)_change_/.test(name)).length).toBeGreaterThan(4);
    expect(rows.filter(({ kept, policies }) => !kept || policies !== 1)).toEqual([]);
  });

  it('without a tenant no table shows a row, to the server and to the owner', async () => {
    for (const url of [database.appUrl, database.ownerUrl]) {
      await withClient(url, async (client) => {
        for (const table of tables) expect([table, await count(client, table)]).toEqual([table, 0]);
      });
    }
  });

  it('a tenant sees, changes and removes its own rows alone', async () => {
    await asApp({ tenant: a }, async (client) => {
      for (const table of tables) {
        const own = await tenantRows(client, table);
        expect([table, own.length > 0, own.every((tenant) => tenant === a)]).toEqual([table, true, true]);
        // test/fleet/audit/app-role.test.ts is about these.
        if (table.startsWith('audit_') || table === 'tenant_settings') continue;
        const updated = await rolledBack(client, () => client.query(`update "${table}" set tenant_id = tenant_id`));
        expect([table, updated.rowCount]).toEqual([table, own.length]);
        const removed = await rolledBack(client, () => client.query(`delete from "${table}"`));
        expect([table, removed.rowCount]).toEqual([table, own.length]);
        const aimed = await rolledBack(client, () => client.query(`delete from "${table}" where tenant_id = $1`, [b]));
        expect([table, aimed.rowCount]).toEqual([table, 0]);
      }
    });
  });

  it('a tenant can neither add a row to another nor give one away', async () => {
    await asApp({ tenant: a }, async (client) => {
      for (const table of tables) {
        const added = await codeOf(rolledBack(client, () => insertRow(client, table, b, b1, 99)));
        expect([table, added]).toEqual([table, INSUFFICIENT_PRIVILEGE]);
        const given = await codeOf(rolledBack(client, () => client.query(`update "${table}" set tenant_id = $1`, [b])));
        expect([table, given]).toEqual([table, INSUFFICIENT_PRIVILEGE]);
      }
    });
  });

  it("a desk's call sees its own instance and what is the whole tenant's", async () => {
    await asApp({ tenant: a, instance: a1 }, async (client) => {
      for (const table of tables) {
        const { rows } = await client.query<{ instance_id: string }>(`select instance_id from "${table}"`);
        expect([table, rows.filter(({ instance_id }) => instance_id !== a1 && instance_id !== NIL_ID)]).toEqual([table, []]);
        const added = await codeOf(rolledBack(client, () => insertRow(client, table, a, a2, 99)));
        expect([table, added]).toEqual([table, INSUFFICIENT_PRIVILEGE]);
      }
    });
    await asApp({ tenant: a }, async (client) => expect(await count(client, 'device')).toBe(ROWS_OF_A));
    await asApp({ tenant: a, instance: a1 }, async (client) => expect(await count(client, 'device')).toBe(ROWS_OF_A - 1));
  });

  it("a partition shows another tenant's rows no more than its table does", async () => {
    await asApp({ tenant: a }, async (client) => {
      const { rows } = await client.query<{ name: string }>(`
        select c.oid::regclass::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind = 'r'`);
      expect(rows.length).toBeGreaterThan(4);
      let seen = 0;
      for (const { name } of rows) {
        const own = await tenantRows(client, name);
        expect([name, own.filter((tenant) => tenant !== a)]).toEqual([name, []]);
        seen += own.length;
      }
      expect(seen).toBe(2 * ROWS_OF_A);
    });
  });

  it('the role cannot switch any of this off', async () => {
    await asApp({ tenant: a }, async (client) => {
      const refused = async (statement: string) => [statement, await codeOf(client.query(statement))];
      for (const statement of [
        'truncate finding',
        'alter table finding disable row level security',
        'alter table finding no force row level security',
        'drop policy own_rows on finding',
        'create policy all_rows on finding using (true)',
        'create table mine (id int)',
        'set role deskwarden_owner',
        'set session authorization deskwarden_owner',
        'select keep_tenants_apart(0::regclass)',
        "update audit_record set record = ''",
        'delete from tenant',
        "update tenant set slug = 'other'",
        'delete from schema_migration',
      ]) {
        expect(await refused(statement)).toEqual([statement, INSUFFICIENT_PRIVILEGE]);
      }
      // Asked for without row-level security, rows are refused instead of shown.
      await client.query('set row_security = off');
      expect(await codeOf(client.query('select * from finding'))).toBe(INSUFFICIENT_PRIVILEGE);
    });
  });

  const bySecret = [
    ['session', 'token_hash'],
    ['sign_in_attempt', 'token_hash'],
    ['sign_in_link', 'token_hash'],
    ['ticket', 'secret_hash'],
  ] as const;

  it('no other policy widens what is seen', async () => {
    const rows = await withClient(database.ownerUrl, async (client) => {
      const result = await client.query<{ name: string; command: string }>(`
        select polrelid::regclass::text as name, polcmd::text as command from pg_policy where polname <> 'own_rows' order by 1`);
      return result.rows;
    });
    expect(rows).toEqual(bySecret.map(([name]) => ({ name, command: 'r' })));
  });

  it.each(bySecret)('a shown secret finds its %s and nothing else', async (table, column) => {
    const secret = await withClient(database.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ hash: Buffer }>(`select ${column} as hash from "${table}" where tenant_id = $1 limit 1`, [b]);
      return rows[0]?.hash ?? Buffer.alloc(0);
    });
    await asApp({ tenant: NIL_ID, presented: secret.toString('hex') }, async (client) => {
      for (const other of tables) {
        const seen = await tenantRows(client, other);
        expect([other, seen]).toEqual([other, other === table ? [b] : []]);
      }
      // Seen, but out of reach until the call goes on in that tenant.
      expect((await client.query(`update "${table}" set tenant_id = tenant_id`)).rowCount).toBe(0);
      expect((await client.query(`delete from "${table}"`)).rowCount).toBe(0);
    });
    const wrong = createHash('sha256').update('another').digest('hex');
    await asApp({ tenant: NIL_ID, presented: wrong }, async (client) => expect(await count(client, table)).toBe(0));
  });
});

/** Where rows are put: a table with one row a tenant takes one, the others one of each instance. */
function placesOf(key: readonly string[]): [string, string][] {
  const oneEach: [string, string][] = [
    [a, NIL_ID],
    [b, NIL_ID],
  ];
  if (key.length === 1) return oneEach;
  return [[a, a1], [a, a2], ...oneEach, [b, b1]];
}

async function keyOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
     where i.indrelid = $1::regclass and i.indisprimary`,
    [table],
  );
  return rows.map(({ name }) => name);
}

async function count(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from "${table}"`);
  return rows[0]?.n ?? -1;
}

async function tenantRows(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ tenant_id: string }>(`select tenant_id from "${table}"`);
  return rows.map(({ tenant_id }) => tenant_id);
}

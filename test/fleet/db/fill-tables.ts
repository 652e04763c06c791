import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';

interface Column {
  table: string;
  name: string;
  type: string;
}

/** Every table whose rows belong to a tenant; a partitioned one once, without its partitions. */
export async function tenantTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`);
  return rows.map(({ name }) => name);
}

/** Makes tables take rows of any content, so that each can be filled without the ones that it refers to. */
export async function loosenTables(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ statement: string }>(`
    select format('alter table %s drop constraint if exists %I cascade', c.conrelid::regclass, c.conname) as statement
    from pg_constraint c join pg_class t on t.oid = c.conrelid
    where c.connamespace = 'public'::regnamespace and c.contype in ('c', 'f') and c.conparentid = 0 and not t.relispartition`);
  for (const { statement } of rows) await admin.query(statement);
}

/** A row of made-up values, by the types of its columns. */
export async function insertRow(client: pg.Client, table: string, tenant: string, instance: string, nth: number): Promise<void> {
  const { rows: columns } = await client.query<Column>(
    `select table_name as table, column_name as name, udt_name as type from information_schema.columns
     where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' order by ordinal_position`,
    [table],
  );
  const values = columns.map(({ name, type }) => {
    if (name === 'tenant_id') return tenant;
    if (name === 'instance_id') return instance;
    return madeUp(type, nth);
  });
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  await client.query(`insert into "${table}" (${names}) values (${values.map((_, n) => `$${n + 1}`).join(', ')})`, values);
}

function madeUp(type: string, nth: number): unknown {
  switch (type) {
    case 'uuid':
      return randomUUID();
    case 'text':
      return `text-${randomUUID()}`;
    case 'bytea':
      return createHash('sha256').update(randomBytes(8)).digest();
    case 'jsonb':
      return '{}';
    case 'bool':
      return true;
    case 'date':
      return '2026-01-01';
    case 'timestamptz':
      return new Date();
    case 'int2':
    case 'int4':
    case 'int8':
      return nth;
    default:
      if (type.startsWith('_')) return [];
      throw new Error(`a column of type ${type}: say what to fill it with`);
  }
}

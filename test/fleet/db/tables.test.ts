import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { withClient } from './raw.ts';
import { typedTables } from './table-types.ts';

/** Compiles for seconds. */
let tables: ReturnType<typeof typedTables>;

interface FoundColumn {
  table: string;
  column: string;
  type: string;
  nullable: boolean;
  has_default: boolean;
}

const readAs: Readonly<Record<string, string>> = {
  uuid: 'string',
  text: 'string',
  date: 'string',
  int2: 'number',
  int4: 'number',
  int8: 'number',
  bool: 'boolean',
  timestamptz: 'Date',
  bytea: 'Buffer',
  jsonb: 'unknown',
  _uuid: 'string[]',
  _text: 'string[]',
  _cidr: 'string[]',
};

describeWithDatabase('the types of the tables', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
    tables = typedTables();
  });
  afterAll(() => database?.close());

  it('are those of the migrated database', async () => {
    const found = await withClient(database.ownerUrl, async (client) => {
      const { rows } = await client.query<FoundColumn>(`
        select c.table_name as "table", c.column_name as "column", c.udt_name as type, c.is_nullable = 'YES' as nullable,
          c.column_default is not null or c.is_generated = 'ALWAYS' or c.is_identity = 'YES' as has_default
        from information_schema.columns c join pg_class t on t.relname = c.table_name and t.relnamespace = 'public'::regnamespace
        where c.table_schema = 'public' and t.relkind in ('r', 'p') and not t.relispartition and c.table_name <> 'schema_migration'`);
      return rows;
    });
    const inDatabase = found.map(({ table, column, type, nullable, has_default }) =>
      line(table, column, readAs[type] ?? `${type}, which this test does not know`, nullable, nullable || has_default),
    );
    const typed = [...tables].flatMap(([table, columns]) =>
      [...columns].map(([column, { reads, nullable, optional }]) => line(table, column, widened(reads), nullable, optional)),
    );
    expect(typed.sort()).toEqual(inDatabase.sort());
    expect(typed.length).toBeGreaterThan(200);
  });

  it('name the words that a column is checked for', async () => {
    const checks = await withClient(database.ownerUrl, async (client) => {
      const { rows } = await client.query<{ table: string; column: string; definition: string }>(`
        select t.relname as "table", a.attname as "column", pg_get_constraintdef(c.oid) as definition
        from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_attribute a on a.attrelid = t.oid and a.attnum = c.conkey[1]
        where c.contype = 'c' and cardinality(c.conkey) = 1 and not t.relispartition and c.connamespace = 'public'::regnamespace`);
      return rows.filter(({ definition }) => definition.includes('= ANY (ARRAY['));
    });
    expect(checks.length).toBeGreaterThan(10);
    for (const { table, column, definition } of checks) {
      const words = [...definition.matchAll(/'([^']+)'::text/g)].map(([, word]) => word);
      const reads = tables.get(table)?.get(column)?.reads ?? '';
      const declared = reads.includes('"') ? [...reads.matchAll(/"([^"]+)"/g)].map(([, word]) => word) : words;
      expect([table, column, declared.sort()]).toEqual([table, column, words.sort()]);
    }
  });
});

/** Of a column with a closed list of words only its being text shows in the catalogue. */
function widened(reads: string): string {
  return /^("[^"]*"( \| )?)+$/.test(reads) ? 'string' : reads;
}

function line(table: string, column: string, reads: string, nullable: boolean, optional: boolean): string {
  return `${table}.${column}: ${reads}${nullable ? ' | null' : ''}${optional ? ', may be left out' : ''}`;
}

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { grantsFor } from './roles.ts';

const migrationsDir = fileURLToPath(new URL('migrations/', import.meta.url));
/** One number for all replicas of one database; the digits say nothing. */
const ADVISORY_LOCK = 7_336_191_204;
/** Another replica may be at a long migration. */
const LOCK_WAIT_MS = 300_000;

export interface Migration {
  name: string;
  sql: string;
}

export class MigrationRefused extends Error {}

export async function readMigrations(dir: string = migrationsDir): Promise<Migration[]> {
  const names = (await readdir(dir)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(`${dir}/${name}`, 'utf8') })));
}

/** Brings the database to this program's schema, forward only. Returns the names of what was applied now. */
export async function migrate(ownerUrl: string, appRole: string, migrations?: readonly Migration[]): Promise<string[]> {
  const known = migrations ?? (await readMigrations());
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'deskwarden-fleet migrate', lock_timeout: LOCK_WAIT_MS });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Of the session, since each migration has a transaction of its own.
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(
      'create table if not exists schema_migration (name text primary key, sha256 text not null, at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from schema_migration order by name');
    const applied: string[] = [];
    for (const migration of pending(known, rows)) {
      await apply(client, migration);
      applied.push(migration.name);
    }
    await client.query(grantsFor(appRole));
    return applied;
  } finally {
    await client.end();
  }
}

/** What is to be applied, or a refusal: the database is newer, or what was applied is no longer what the file says. */
export function pending(known: readonly Migration[], applied: readonly { name: string; sha256: string }[]): Migration[] {
  const byName = new Map(known.map((migration) => [migration.name, migration]));
  for (const { name, sha256 } of applied) {
    const migration = byName.get(name);
    if (!migration) {
      throw new MigrationRefused(
        `the database has ${name}, which this version does not know: run the version that applied it, or a newer one`,
      );
    }
    if (digestOf(migration) !== sha256) {
      throw new MigrationRefused(`${name} is not what was applied to the database: put the file back and write a new migration instead`);
    }
  }
  const last =
    applied
      .map(({ name }) => name)
      .sort()
      .at(-1) ?? '';
  const done = new Set(applied.map(({ name }) => name));
  const rest = known.filter(({ name }) => !done.has(name));
  const late = rest.find(({ name }) => name < last);
  if (late) throw new MigrationRefused(`${late.name} comes before ${last}, which is applied already: give it a number of its own`);
  return rest;
}

function digestOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query('insert into schema_migration (name, sha256) values ($1, $2)', [migration.name, digestOf(migration)]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw new MigrationRefused(`${migration.name} could not be applied, nothing of it remains: ${String(error)}`, { cause: error });
  }
}

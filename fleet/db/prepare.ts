import pg from 'pg';
import { checkAppRole } from './check-role.ts';
import { type Migration, MigrationRefused, migrate, pending, readMigrations } from './migrate.ts';

export interface DatabaseAddress {
  /** Of the role that the server works as. */
  appUrl: string;
  /** Of the role that owns the tables; null: somebody else migrates. */
  ownerUrl: string | null;
}

/**
 * Brings the schema up to date where the owner's address is known, and makes sure that it is where it is not; then that the
 * server's role cannot pass by row-level security. Returns the names of the migrations that were applied now.
 */
export async function prepareDatabase({ appUrl, ownerUrl }: DatabaseAddress): Promise<string[]> {
  const known = await readMigrations();
  const applied = ownerUrl === null ? [] : await migrate(ownerUrl, await roleOf(appUrl), known);
  await checkAppRole(appUrl);
  if (ownerUrl === null) await checkSchema(appUrl, known);
  return applied;
}

async function checkSchema(appUrl: string, known: readonly Migration[]): Promise<void> {
  const applied = await ask<{ name: string; sha256: string }>(appUrl, 'select name, sha256 from schema_migration order by name');
  const [next] = pending(known, applied);
  if (next) throw new MigrationRefused(`the database lacks ${next.name}: run deskwarden-fleet migrate, or give MIGRATE_DATABASE_URL`);
}

async function roleOf(url: string): Promise<string> {
  const [found] = await ask<{ role: string }>(url, 'select session_user::text as role');
  if (!found) throw new Error('the database did not say who it takes this server for');
  return found.role;
}

async function ask<R extends pg.QueryResultRow>(url: string, statement: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'deskwarden-fleet start', connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(statement)).rows;
  } finally {
    await client.end();
  }
}

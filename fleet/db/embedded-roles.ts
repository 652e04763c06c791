import pg from 'pg';
import type { Credentials } from './embedded-credentials.ts';
import { EmbeddedFault } from './embedded-fault.ts';
import { ADMIN_ROLE } from './embedded-init.ts';
import { APP_ROLE, OWNER_ROLE, quoteName, quoteText } from './roles.ts';

/** PostgreSQL's code for it (Appendix A of its manual). */
const WRONG_PASSWORD = '28P01';

export interface Address {
  /** Directory of the socket, or an address. */
  host: string;
  port: number;
}

export function urlOf(address: Address, role: string, password: string, database: string): string {
  const query = new URLSearchParams({ host: address.host, port: String(address.port) });
  return `postgresql://${role}:${password}@/${database}?${query}`;
}

export function adminUrl(address: Address, credentials: Credentials, database = 'postgres'): string {
  return urlOf(address, ADMIN_ROLE, credentials.admin, database);
}

/** Roles with the passwords of the credentials, and the database. Each is made once and brought back to what it should be. */
export async function ensureDatabase(address: Address, credentials: Credentials, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl(address, credentials), application_name: 'deskwarden-fleet start' });
  client.on('error', () => undefined);
  await client.connect().catch((error: { code?: string }) => {
    if (error.code !== WRONG_PASSWORD) throw error;
    throw new EmbeddedFault('no-credentials', 'credentials.json is not of this data: put back the copy that was saved with it', {
      cause: error,
    });
  });
  try {
    await ensureRole(client, OWNER_ROLE, credentials.owner);
    await ensureRole(client, APP_ROLE, credentials.app);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${quoteName(database)} owner ${OWNER_ROLE}`);
    await client.query(`revoke all on database ${quoteName(database)} from public`);
    await client.query(`grant connect on database ${quoteName(database)} to ${APP_ROLE}`);
  } finally {
    await client.end();
  }
}

async function ensureRole(client: pg.Client, role: string, password: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  const attributes = `login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${quoteText(password)}`;
  await client.query(`${rowCount === 0 ? 'create' : 'alter'} role ${quoteName(role)} ${attributes}`);
}

import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { type Db, NIL_ID, openDb } from '../../fleet/db/tenancy.ts';
import type { RetentionSettings } from '../../fleet/retention/settings.ts';
import { serverOfThisRun } from './database-server.ts';

export interface TestDatabase {
  db: Db;
  appUrl: string;
  ownerUrl: string;
  /** Of the superuser, for what no role of the fleet's may do. */
  adminUrl: string;
  close(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** On a server that syncs what it commits. */
  durable?: boolean;
}

/** A migrated database of its own, on a server that one run of the tests shares. */
export async function openTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = await serverOfThisRun(options.durable === true);
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin(server.adminUrl, `create database ${name} template template_fleet owner deskwarden_owner`);
  const [appUrl, ownerUrl, adminUrl] = [server.appUrl, server.ownerUrl, server.adminUrl].map((url) => inDatabase(url, name));
  if (!appUrl || !ownerUrl || !adminUrl) throw new Error('the keeper named no addresses');
  const db = openDb({ url: appUrl, applicationName: 'test', max: 8, onError: () => undefined });
  return {
    db,
    appUrl,
    ownerUrl,
    adminUrl,
    close: async () => {
      await db.end();
      await asAdmin(server.adminUrl, `drop database ${name} with (force)`);
    },
  };
}

export async function addTenant(
  db: Db,
  given: { slug?: string; alias?: string; region?: string; retention?: RetentionSettings } = {},
): Promise<{ tenant: string; instance: string }> {
  const [tenant, instance] = [randomUUID(), randomUUID()];
  const slug = given.slug ?? `t-${tenant.slice(0, 8)}`;
  const region = given.region ?? 'eu-central-1';
  await db.within({ tenant }, async (tx) => {
    await tx.insertInto('tenant').values({ id: tenant, slug }).execute();
    const retention = JSON.stringify(given.retention ?? { history: 400, audit: 400, rollups: 800 });
    await tx.insertInto('tenant_settings').values({ tenant_id: tenant, instance_id: NIL_ID, name: slug, region, retention }).execute();
    await tx
      .insertInto('instance')
      .values({ tenant_id: tenant, instance_id: instance, alias: given.alias ?? 'acme', region })
      .execute();
  });
  return { tenant, instance };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function inDatabase(url: string, database: string): string {
  return url.replace(/@\/[^?]*\?/, `@/${database}?`);
}

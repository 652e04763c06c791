import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkAppRole } from '../../../fleet/db/check-role.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { withClient } from './raw.ts';

describeWithDatabase('the role that the server works as', () => {
  let database: TestDatabase;
  const made: string[] = [];

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(async () => {
    await asAdmin(...made.flatMap((role) => [`drop owned by ${role} cascade`, `drop role ${role}`]));
    await database.close();
  });

  const asAdmin = (...statements: string[]) =>
    withClient(database.adminUrl, async (admin) => {
      for (const statement of statements) await admin.query(statement);
    });

  /** The address of a new role, with these attributes and what else was said about it. */
  async function newRole(attributes: string, ...more: ((role: string) => string)[]): Promise<string> {
    const role = `role_${randomBytes(6).toString('hex')}`;
    made.push(role);
    const name = new URL(database.appUrl.replace('@/', '@host/')).pathname.slice(1);
    await asAdmin(
      `create role ${role} login ${attributes} password 'example'`,
      `grant connect on database ${name} to ${role}`,
      ...more.map((statement) => statement(role)),
    );
    return database.appUrl.replace(/\/\/[^@]*@/, `//${role}:example@`);
  }

  it('is accepted as the migrations leave it', async () => {
    expect(await checkAppRole(database.appUrl)).toBe('deskwarden_app');
  });

  it.each([
    ['a superuser', 'superuser', /is a superuser.*give DATABASE_URL of a role that was made with/],
    ['BYPASSRLS', 'bypassrls', /has BYPASSRLS.*alter role "role_.*" nobypassrls/],
  ])('is refused with %s', async (_name, attributes, message) => {
    await expect(checkAppRole(await newRole(attributes))).rejects.toThrow(message);
  });

  it('is refused as the owner of the tables, directly or as a member', async () => {
    await expect(checkAppRole(database.ownerUrl)).rejects.toThrow(/owns the tables.*MIGRATE_DATABASE_URL/);
    await expect(checkAppRole(await newRole('', (role) => `grant deskwarden_owner to ${role}`))).rejects.toThrow(/owns the tables/);
    const without = await newRole('noinherit', (role) => `grant deskwarden_owner to ${role}`);
    await expect(checkAppRole(without)).rejects.toThrow(/owns the tables/);
    const one = await newRole(
      '',
      (role) => `create table one_${role} (id int)`,
      (role) => `alter table one_${role} owner to ${role}`,
    );
    await expect(checkAppRole(one)).rejects.toThrow(/owns the tables \(one_role_/);
  });

  it('is refused where it may become a superuser', async () => {
    const boss = `boss_${randomBytes(4).toString('hex')}`;
    made.push(boss);
    await asAdmin(`create role ${boss} superuser`);
    const member = await newRole('noinherit', (role) => `grant ${boss} to ${role}`);
    await expect(checkAppRole(member)).rejects.toThrow(`it may act as ${boss}`);
  });

  it('is refused where it may empty a table', async () => {
    const emptying = await newRole('', (role) => `grant truncate on finding to ${role}`);
    await expect(checkAppRole(emptying)).rejects.toThrow(/may truncate finding/);
  });

  it.each([
    ['not forced', 'alter table ticket no force row level security', 'alter table ticket force row level security'],
    ['switched off', 'alter table ticket disable row level security', 'alter table ticket enable row level security'],
    [
      'without a policy',
      'alter policy own_rows on ticket rename to own_rows_kept; create table other_table (tenant_id uuid)',
      'alter policy own_rows_kept on ticket rename to own_rows; drop table other_table',
    ],
  ])('is refused where the row-level security of a table is %s', async (_name, breaking, mending) => {
    await asAdmin(breaking);
    await expect(checkAppRole(database.appUrl)).rejects.toThrow(
      /row-level security does not hold for (ticket|other_table); as the owner run/,
    );
    await asAdmin(mending);
    expect(await checkAppRole(database.appUrl)).toBe('deskwarden_app');
  });

  it('is told to migrate an empty database', async () => {
    await expect(checkAppRole(database.appUrl.replace(/@\/[^?]*/, '@/postgres'))).rejects.toThrow(/deskwarden-fleet migrate/);
  });
});

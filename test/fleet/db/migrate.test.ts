import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Migration, migrate, pending, readMigrations } from '../../../fleet/db/migrate.ts';
import { prepareDatabase } from '../../../fleet/db/prepare.ts';
import { APP_ROLE } from '../../../fleet/db/roles.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { codeOf, withClient } from './raw.ts';

const run = promisify(execFile);
const INSUFFICIENT_PRIVILEGE = '42501';

const one: Migration = { name: '0001-one.sql', sql: 'create table one (id int)' };
const two: Migration = { name: '0002-two.sql', sql: 'create table two (id int)' };
const applied = ({ name, sql }: Migration) => ({ name, sha256: createHash('sha256').update(sql).digest('hex') });

describe('what is to be migrated', () => {
  it('is every file that was not applied, in order', async () => {
    expect(pending([one, two], [])).toEqual([one, two]);
    expect(pending([one, two], [applied(one)])).toEqual([two]);
    const names = (await readMigrations()).map(({ name }) => name);
    expect(names[0]).toBe('0001-start.sql');
    expect(names).toEqual([...names].sort());
  });

  it('is refused when an applied file has changed', () => {
    expect(() => pending([one], [applied({ ...one, sql: `${one.sql} ` })])).toThrow('0001-one.sql is not what was applied');
  });

  it('is refused when the database is newer than the program', () => {
    expect(() => pending([], [applied(one)])).toThrow('the database has 0001-one.sql, which this version does not know');
  });
});

describeWithDatabase('migrating a database', () => {
  let shared: TestDatabase;
  const made: string[] = [];

  beforeAll(async () => {
    shared = await openTestDatabase();
  });
  afterAll(async () => {
    await withClient(shared.adminUrl, async (admin) => {
      for (const name of made) await admin.query(`drop database ${name} with (force)`);
    });
    await shared.close();
  });

  async function emptyDatabase(): Promise<{ ownerUrl: string; appUrl: string }> {
    const name = `empty_${randomBytes(6).toString('hex')}`;
    await withClient(shared.adminUrl, (admin) => admin.query(`create database ${name} owner deskwarden_owner`));
    made.push(name);
    const [ownerUrl = '', appUrl = ''] = [shared.ownerUrl, shared.appUrl].map((url) => url.replace(/@\/[^?]*/, `@/${name}`));
    return { ownerUrl, appUrl };
  }

  it('applies each migration once when four replicas start together', { timeout: 30_000 }, async () => {
    const { ownerUrl, appUrl } = await emptyDatabase();
    const program = fileURLToPath(new URL('migrate-process.ts', import.meta.url));
    const answers = await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, ['--import', 'tsx', program, ownerUrl, APP_ROLE])));
    const names = (await readMigrations()).map(({ name }) => name);
    expect(answers.flatMap(({ stdout }) => JSON.parse(stdout) as string[]).sort()).toEqual(names);
    expect(await prepareDatabase({ appUrl, ownerUrl })).toEqual([]);
    expect(await prepareDatabase({ appUrl, ownerUrl: null })).toEqual([]);
  });

  it('leaves nothing of a migration that fails, and what came before it', async () => {
    const { ownerUrl } = await emptyDatabase();
    const broken = { name: '0002-broken.sql', sql: 'create table half (id int); select 1 / 0' };
    await expect(migrate(ownerUrl, APP_ROLE, [...(await readMigrations()), broken])).rejects.toThrow(
      /^0002-broken\.sql could not be applied, nothing of it remains: .*division by zero/,
    );
    const { rows } = await withClient(ownerUrl, (client) =>
      client.query("select to_regclass('half') as half, to_regclass('device') is not null as device"),
    );
    expect(rows).toEqual([{ half: null, device: true }]);
    const mended = { ...broken, sql: 'create table half (id int)' };
    expect(await migrate(ownerUrl, APP_ROLE, [...(await readMigrations()), mended])).toEqual(['0002-broken.sql']);
  });

  it('grants a new table to the server, without its truncate, and takes back what was granted beyond', async () => {
    const { ownerUrl, appUrl } = await emptyDatabase();
    await migrate(ownerUrl, APP_ROLE);
    await withClient(ownerUrl, (client) => client.query('grant all on all tables in schema public to deskwarden_app'));
    await migrate(ownerUrl, APP_ROLE, [...(await readMigrations()), { name: '0002-later.sql', sql: 'create table later (id int)' }]);
    await withClient(appUrl, async (client) => {
      expect(await codeOf(client.query('insert into later values (1)'))).toBeNull();
      expect(await codeOf(client.query('truncate later'))).toBe(INSUFFICIENT_PRIVILEGE);
      expect(await codeOf(client.query("update audit_record set record = ''"))).toBe(INSUFFICIENT_PRIVILEGE);
    });
  });

  it('is asked of somebody else where only the address of the server is known', async () => {
    const { ownerUrl, appUrl } = await emptyDatabase();
    await expect(prepareDatabase({ appUrl, ownerUrl: null })).rejects.toThrow(/deskwarden-fleet migrate/);
    await migrate(ownerUrl, APP_ROLE);
    await withClient(ownerUrl, (client) => client.query("insert into schema_migration values ('9999-newer.sql', '')"));
    await expect(prepareDatabase({ appUrl, ownerUrl: null })).rejects.toThrow('9999-newer.sql, which this version does not know');
    await expect(migrate(ownerUrl, APP_ROLE)).rejects.toThrow('9999-newer.sql, which this version does not know');
  });

  it('refuses a file that was put before those that are applied', async () => {
    const { ownerUrl } = await emptyDatabase();
    const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-migrations-'));
    try {
      await writeFile(path.join(dir, '0002-b.sql'), 'create table b (id int)');
      const [second] = await readMigrations(dir);
      if (!second) throw new Error('no migration was read');
      const first = await readMigrations();
      await migrate(ownerUrl, APP_ROLE, [...first, second]);
      const late = { name: '0001-zz-late.sql', sql: 'create table late (id int)' };
      await expect(migrate(ownerUrl, APP_ROLE, [...first, late, second])).rejects.toThrow('0001-zz-late.sql comes before 0002-b.sql');
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from './staged-keyring.ts';

describeWithDatabase('S3-01 S3-14 at rest', () => {
  let stage: Stage;
  let dir: string;
  beforeAll(async () => {
    stage = await openStage();
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-keks-'));
  });
  afterAll(async () => {
    await stage.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('K1 no value and no data key is readable in a dump, in the files of the database or in its log', async () => {
    // Found, or the search would prove nothing.
    const open = 'marker-in-the-open-4711';
    const hidden = 'marker-that-is-sealed-4711';
    const keyring = stage.keyring(await openLocalKeyProvider({ dir: path.join(dir, 'keys'), clock: stage.now }));
    const owner = await addTenant(stage.db, { alias: open });
    await stage.db.within(owner, async (tx) => {
      const row = {
        ...tenantAndInstance(owner),
        id: owner.instance,
        spki_hash: Buffer.alloc(32),
        platform: 'linux' as const,
        status: 'enrolled' as const,
      };
      const key = await keyring.key(tx, owner, 'identity');
      const at = { table: 'device', row: row.id, field: 'host_name' };
      const host = { host_name_sealed: key.seal(at, hidden), host_name_index: await keyring.index(tx, owner, 'host_name', hidden) };
      await tx
        .insertInto('device')
        .values({ ...row, ...host, created_at: stage.now(), status_changed_at: stage.now() })
        .execute();
    });

    const admin = new pg.Client({ connectionString: stage.database.adminUrl });
    await admin.connect();
    const dump = await dumpOf(admin);
    await admin.query('checkpoint');
    const { rows } = await admin.query<{ dir: string; oid: string }>(
      "select current_setting('data_directory') as dir, oid::text from pg_database where datname = current_database()",
    );
    await admin.end();
    const files = await filesOf(rows[0]?.dir ?? '', rows[0]?.oid ?? '');
    for (const [name, text] of [
      ['dump', dump],
      ['files', files],
    ] as const) {
      expect([name, text.includes(open), text.includes(hidden), text.includes(hexOf(hidden))]).toEqual([name, true, false, false]);
    }
    const sealed = await stage.db.within(owner, (tx) => tx.selectFrom('device').select('host_name_sealed').executeTakeFirstOrThrow());
    expect(dump).toContain(sealed.host_name_sealed.toString('hex'));
    expect(files).toContain(sealed.host_name_sealed.toString('latin1'));
    const [keyFile = ''] = await readdir(path.join(dir, 'keys'));
    const kek = (await readFile(path.join(dir, 'keys', keyFile))).subarray(16, 48);
    expect([files.includes(kek.toString('latin1')), dump.includes(kek.toString('hex'))]).toEqual([false, false]);
  });
});

const tenantAndInstance = ({ tenant, instance }: { tenant: string; instance: string }) => ({ tenant_id: tenant, instance_id: instance });

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** Every row of every table as text, as a backup holds it. */
async function dumpOf(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query<{ name: string }>(
    "select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')",
  );
  expect(rows.length).toBeGreaterThan(30);
  let text = '';
  for (const { name } of rows) {
    const dumped = await admin.query<{ line: string }>(`select t::text as line from ${admin.escapeIdentifier(name)} t`);
    text += dumped.rows.map(({ line }) => line).join('\n');
  }
  return text;
}

/** The database's own files and the write-ahead log, byte for byte. */
async function filesOf(dataDir: string, oid: string): Promise<string> {
  let text = '';
  for (const sub of [path.join('base', oid), 'pg_wal']) {
    for (const entry of await readdir(path.join(dataDir, sub), { withFileTypes: true })) {
      if (entry.isFile()) text += (await readFile(path.join(dataDir, sub, entry.name))).toString('latin1');
    }
  }
  return text;
}

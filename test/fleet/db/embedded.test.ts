import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { binariesIn, embeddedBinaries } from '../../../fleet/db/embedded-binaries.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { withClient } from './raw.ts';
import { childrenOf, isThere, stageServers } from './stage-server.ts';

const SLOW = { timeout: 30_000 };

describeWithDatabase('the embedded PostgreSQL', () => {
  const stage = stageServers();
  afterAll(() => stage.clear());

  it('is made once, keeps its data, and leaves no process when it is stopped', SLOW, async () => {
    const dir = await stage.newDir();
    const first = await stage.open(dir);
    expect(first.adopted).toBe(false);
    const processes = [first.pid, ...(await childrenOf(first.pid))];
    expect(processes.length).toBeGreaterThan(3);
    await withClient(first.ownerUrl, (client) => client.query('create table kept (id int); insert into kept values (1)'));
    await first.stop();
    expect(processes.filter(isThere)).toEqual([]);
    expect((await readdir(dir)).sort()).toEqual(['credentials.json', 'data', 'postgres.log', 'socket']);
    expect(await readdir(path.join(dir, 'socket'))).toEqual([]);

    const second = await stage.open(dir);
    expect(second.appUrl).toBe(first.appUrl);
    const { rows } = await withClient(second.ownerUrl, (client) => client.query('select id from kept'));
    expect(rows).toEqual([{ id: 1 }]);
  });

  it('syncs what it commits, listens on a socket alone and keeps statements out of its log', SLOW, async () => {
    const dir = await stage.newDir();
    const server = await stage.open(dir);
    await withClient(server.ownerUrl, async (client) => {
      const show = async (name: string) =>
        (await client.query<{ value: string }>('select current_setting($1) as value', [name])).rows[0]?.value;
      for (const name of ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums'])
        expect([name, await show(name)]).toEqual([name, 'on']);
      expect(await show('listen_addresses')).toBe('');
      expect(await show('server_encoding')).toBe('UTF8');
      await client.query("select 'MARKER' || (1 / 0)").catch(() => undefined);
    });
    expect(await readFile(path.join(dir, 'postgres.log'), 'utf8')).not.toContain('MARKER');
    const modeOf = async (...names: string[]) => ((await stat(path.join(dir, ...names))).mode & 0o777).toString(8);
    expect([await modeOf('credentials.json'), await modeOf('socket'), await modeOf('data'), await modeOf('postgres.log')]).toEqual([
      '600',
      '700',
      '700',
      '600',
    ]);
    const wrong = withClient(server.ownerUrl.replace(/:[^:@]+@/, ':wrong@'), async () => undefined);
    await expect(wrong).rejects.toMatchObject({ code: '28P01' });
  });

  it.skipIf(process.getuid?.() !== 0)('runs as another account than root [needs root]', SLOW, async () => {
    const server = await stage.open(await stage.newDir());
    expect(await readFile(`/proc/${server.pid}/status`, 'utf8')).toMatch(/^Uid:\s+[1-9]/m);
  });
});

describe('what PostgreSQL is embedded for', () => {
  it('is looked up by platform and architecture', () => {
    expect(embeddedBinaries(process.platform, process.arch).postgres).toMatch(/native[/\\]bin[/\\]postgres/);
    expect(binariesIn('C:\\pg', 'win32').pgCtl).toMatch(/pg_ctl\.exe$/);
    expect(() => embeddedBinaries('freebsd', 'x64')).toThrow('not embedded for freebsd on x64: give DATABASE_URL');
  });
});

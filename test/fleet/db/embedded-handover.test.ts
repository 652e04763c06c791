import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { joinEmbedded } from '../../../fleet/db/embedded.ts';
import { testBinaries } from '../database-server.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { withClient } from './raw.ts';
import { isThere, stageServers } from './stage-server.ts';

const SLOW = { timeout: 30_000 };

describeWithDatabase('the embedded PostgreSQL among fleet processes', () => {
  const stage = stageServers();
  afterAll(() => stage.clear());

  it('is adopted when it outlived its fleet process, and stopped by the one that adopted it', SLOW, async () => {
    const dir = await stage.newDir();
    const before = stage.fleetProcess(dir);
    const { pid, ownerUrl, adopted } = await before.answer;
    expect(adopted).toBe(false);
    await withClient(ownerUrl, async (client) => {
      await client.query('create table kept (id int); insert into kept values (1)');
      before.child.kill('SIGKILL');
      await before.ended;
      await client.query('insert into kept values (2)');
    });
    const after = await stage.open(dir);
    expect([after.pid, after.adopted]).toEqual([pid, true]);
    const { rows } = await withClient(after.ownerUrl, (client) => client.query('select id from kept order by id'));
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
    await after.stop();
    expect(isThere(pid)).toBe(false);
  });

  it('is adopted when a killed fleet process was about to start it, and it takes the directory at the last moment', SLOW, async () => {
    const dir = await stage.newDir();
    await (await stage.open(dir)).stop();
    const binaries = testBinaries();
    const postgres = path.join(path.dirname(dir), 'postgres');
    await writeFile(
      postgres,
      `#!/bin/sh
[ "$1" = --version ] && exec ${binaries.postgres} --version
if [ ! -e "$2/was-late" ]; then
  touch "$2/was-late"
  setsid ${binaries.postgres} "$@" &
  while [ ! -s "$2/postmaster.pid" ]; do sleep 0.01; done
fi
exec ${binaries.postgres} "$@"
`,
      { mode: 0o755 },
    );
    const server = await stage.open(dir, { binaries: { ...binaries, postgres } });
    expect(server.adopted).toBe(true);
    await withClient(server.ownerUrl, (client) => client.query('select 1'));
    await server.stop();
    expect(isThere(server.pid)).toBe(false);
  });

  it('is kept by one of two processes that start at once; the other is told, and may join', SLOW, async () => {
    const dir = await stage.newDir();
    const both = [stage.fleetProcess(dir), stage.fleetProcess(dir)];
    const answers = await Promise.all(both.map(({ answer }) => answer));
    const [keeper] = answers.filter(({ pid }) => pid);
    const [refused] = answers.filter(({ code }) => code);
    expect(refused).toMatchObject({ code: 'in-use', message: expect.stringMatching(/another fleet process, \d+, keeps the database in/) });
    expect(await joinEmbedded(dir)).toEqual({ appUrl: keeper?.appUrl, ownerUrl: keeper?.ownerUrl });
    for (const { child } of both) child.stdin?.end();
    await Promise.all(both.map(({ ended }) => ended));
    expect(isThere(keeper?.pid ?? 0)).toBe(false);
    expect(await joinEmbedded(dir)).toBeNull();
  });

  it.each([
    ['with its initdb', true],
    ['while its initdb went on', false],
  ])('is made anew after its fleet process was killed half-way, %s', SLOW, async (_name, all) => {
    const dir = await stage.newDir();
    const killed = stage.fleetProcess(dir);
    killed.answer.catch(() => undefined);
    const drafts = async () => (existsSync(dir) ? (await readdir(dir)).filter((name) => name.startsWith('data-draft-')) : []);
    while (!(await drafts()).some((name) => existsSync(path.join(dir, name, 'PG_VERSION')))) await delay(2);
    process.kill(all ? -(killed.child.pid ?? 0) : (killed.child.pid ?? 0), 'SIGKILL');
    await killed.ended;
    expect(existsSync(path.join(dir, 'data'))).toBe(false);
    const server = await stage.open(dir);
    expect(server.adopted).toBe(false);
    await withClient(server.ownerUrl, (client) => client.query('create table works (id int)'));
    await server.stop();
    // An initdb that finished all the same leaves what the next start clears away.
    await (await stage.open(dir)).stop();
    expect(await drafts()).toEqual([]);
  });

  it('takes no process for its server that has the number of one', SLOW, async () => {
    const dir = await stage.newDir();
    const first = await stage.open(dir);
    const text = await readFile(path.join(dir, 'data', 'postmaster.pid'), 'utf8');
    await first.stop();
    await writeFile(path.join(dir, 'data', 'postmaster.pid'), text.replace(/^\d+/, String(process.pid)));
    const second = await stage.open(dir);
    expect(second.adopted).toBe(false);
    expect(second.pid).not.toBe(process.pid);
  });

  it('heeds no lock of a process that is gone, or of one with its number', SLOW, async () => {
    const dir = await stage.newDir();
    await mkdir(dir);
    await writeFile(path.join(dir, 'fleet.lock'), JSON.stringify({ pid: process.pid, bootId: 'another', startedTicks: '1' }));
    await (await stage.open(dir)).stop();
    await writeFile(path.join(dir, 'fleet.lock'), 'not a holder');
    await (await stage.open(dir)).stop();
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    await writeFile(path.join(dir, 'fleet.lock'), JSON.stringify({ pid: process.pid, bootId: boot, startedTicks: '1' }));
    const server = await stage.open(dir);
    await expect(stage.open(dir)).rejects.toMatchObject({ code: 'in-use' });
    await server.stop();
    expect(existsSync(path.join(dir, 'fleet.lock'))).toBe(false);
  });
});

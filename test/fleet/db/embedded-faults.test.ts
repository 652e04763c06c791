import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { describeWithDatabase } from '../describe-with-database.ts';
import { stageServers } from './stage-server.ts';

const SLOW = { timeout: 30_000 };
const notRoot = process.getuid?.() !== 0;

describeWithDatabase('why the embedded PostgreSQL does not run', () => {
  const stage = stageServers();
  afterAll(() => stage.clear());

  it('a path that is too long for a socket, before anything is made', async () => {
    const dir = path.join(await stage.newDir(), 'x'.repeat(80));
    await expect(stage.open(dir)).rejects.toMatchObject({
      code: 'path-too-long',
      message: expect.stringContaining('the system allows 107'),
    });
    expect(existsSync(dir)).toBe(false);
    await expect(stage.open('relative/path')).rejects.toThrow('must be absolute');
  });

  it('data of another version', SLOW, async () => {
    const dir = await stage.newDir();
    await (await stage.open(dir)).stop();
    const version = path.join(dir, 'data', 'PG_VERSION');
    const own = await readFile(version, 'utf8');
    await writeFile(version, '14\n');
    await expect(stage.open(dir)).rejects.toMatchObject({
      code: 'wrong-version',
      message: expect.stringMatching(/made by PostgreSQL 14 and this is 1[58]: .*dump/),
    });
    await writeFile(version, own);
    await (await stage.open(dir)).stop();
  });

  it('passwords that are gone, broken or of other data', SLOW, async () => {
    const dir = await stage.newDir();
    await (await stage.open(dir)).stop();
    const file = path.join(dir, 'credentials.json');
    const own = await readFile(file, 'utf8');
    await rm(file);
    await expect(stage.open(dir)).rejects.toMatchObject({
      code: 'no-credentials',
      message: expect.stringContaining('is gone: put back the copy'),
    });
    await writeFile(file, '{}');
    await expect(stage.open(dir)).rejects.toMatchObject({ code: 'no-credentials', message: expect.stringContaining('is not what it was') });
    await writeFile(file, own.replaceAll(/"admin":"...../g, '"admin":"other'));
    await expect(stage.open(dir)).rejects.toMatchObject({ code: 'no-credentials', message: expect.stringContaining('not of this data') });
    await writeFile(file, own);
    await (await stage.open(dir)).stop();
  });

  it('a setting that PostgreSQL does not take, in its own words', SLOW, async () => {
    const dir = await stage.newDir();
    await expect(stage.open(dir, { settings: ['shared_buffers=much'] })).rejects.toMatchObject({
      code: 'not-started',
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
    await (await stage.open(dir)).stop();
  });

  it.skipIf(notRoot)('a directory that its account may not enter [needs root]', SLOW, async () => {
    const closed = path.join(await stage.newDir(), 'closed');
    await mkdir(closed, { recursive: true });
    await chmod(closed, 0o700);
    await expect(stage.open(path.join(closed, 'db'))).rejects.toMatchObject({
      code: 'no-access',
      message: expect.stringContaining('chmod o+x'),
    });
  });

  it.skipIf(notRoot)('a full disk, and goes on once there is room [needs root for a small file system]', SLOW, async () => {
    const dir = await stage.newDir();
    await mkdir(dir, { recursive: true });
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=0711', 'tmpfs', dir]);
    try {
      await expect(stage.open(dir)).rejects.toMatchObject({
        code: 'no-space',
        message: expect.stringContaining('free some and start again'),
      });
      execFileSync('/usr/bin/mount', ['-o', 'remount,size=200m', dir]);
      await (await stage.open(dir)).stop();
    } finally {
      execFileSync('/usr/bin/umount', [dir]);
    }
  });
});

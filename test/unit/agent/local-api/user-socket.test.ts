import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localApiPath } from '../../../../contracts/local-link/address.ts';
import { OWN_UID, type Stage, snapshot, stageLocalApi } from './staged-api.ts';

const daemonPath = fileURLToPath(new URL('./api-process.ts', import.meta.url));

let stage: Stage;
let userDir: string;
let socketPath: string;
beforeEach(async () => {
  stage = await stageLocalApi();
  socketPath = localApiPath(stage.dir, OWN_UID);
  userDir = path.dirname(socketPath);
});
afterEach(() => stage.close());

const modeOf = async (file: string) => ((await lstat(file)).mode & 0o777).toString(8);
const exists = async (file: string) => (await lstat(file).catch(() => null)) !== null;

describe('a socket', () => {
  it("is the user's alone, and gone after close with all that was made", async () => {
    const { api, client } = await stage.listen();
    expect([await modeOf(stage.dir), await modeOf(userDir), await modeOf(socketPath)]).toEqual(['755', '700', '600']);
    expect(api.serving()).toEqual([OWN_UID]);
    await client();
    await api.close();
    expect(await exists(stage.dir)).toBe(false);
  });

  it('leaves what was there before', async () => {
    await mkdir(stage.dir, { mode: 0o755 });
    await mkdir(userDir, { mode: 0o700 });
    await writeFile(path.join(userDir, 'note'), '');
    const { api } = await stage.listen();
    await api.close();
    expect(await readdir(userDir)).toEqual(['note']);
  });

  it('is made again when it was removed, and not otherwise', async () => {
    const { api, client } = await stage.listen();
    const stays = await client();
    await api.refresh();
    expect(await stays.recheck({})).toMatchObject({ ok: true });
    await rm(socketPath);
    await api.refresh();
    expect(await (await client()).snapshot()).toEqual({ ok: true, value: snapshot });
  });

  it('comes and goes with its user', async () => {
    let users: number[] = [];
    const { api, client, faults } = await stage.listen({ users: async () => users });
    await expect(client()).rejects.toMatchObject({ code: 'no-daemon' });
    users = [OWN_UID];
    await api.refresh();
    const one = await client();
    users = [];
    await Promise.all([api.refresh(), api.refresh()]);
    expect((await one.closed).code).toBe('closed');
    expect(await exists(userDir)).toBe(false);
    expect(faults).toEqual([]);
  });
});

describe('a socket that is there already', () => {
  it('of a daemon that was killed is replaced', { timeout: 30_000 }, async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', daemonPath, stage.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect((await lstat(socketPath)).isSocket()).toBe(true);
    const { client, faults } = await stage.listen();
    expect(await (await client()).snapshot()).toEqual({ ok: true, value: snapshot });
    expect(faults).toEqual([]);
  });

  it('of a daemon that lives is left, and the first goes on', async () => {
    const first = await stage.listen();
    const before = await first.client();
    const second = await stage.listen();
    expect(second.api.serving()).toEqual([]);
    expect(second.faults).toMatchObject([{ code: 'in-use', uid: OWN_UID }]);
    await second.api.close();
    expect(await before.snapshot()).toMatchObject({ ok: true });
    expect(await (await first.client()).snapshot()).toMatchObject({ ok: true });
  });

  it('and whose queue is full counts as one where somebody answers', async () => {
    await mkdir(userDir, { recursive: true, mode: 0o700 });
    // Bound and never accepted from, as by a daemon that is stopped.
    const script = `import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0); print('bound', flush=True)
c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1]); time.sleep(60)`;
    const child = spawn('python3', ['-c', script, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const { faults } = await stage.listen({ limits: { staleProbeMs: 200 } });
      expect(faults).toMatchObject([{ code: 'in-use' }]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('in the place of', () => {
  beforeEach(() => mkdir(stage.dir, { mode: 0o755 }));

  it.each<[string, (target: string) => Promise<unknown>]>([
    ['the socket, a link to a file', async (target) => mkdir(userDir, { mode: 0o700 }).then(() => symlink(target, socketPath))],
    ['the socket, a link to nothing', async (target) => mkdir(userDir, { mode: 0o700 }).then(() => symlink(`${target}-not`, socketPath))],
    ['the socket, a file', async () => mkdir(userDir, { mode: 0o700 }).then(() => writeFile(socketPath, ''))],
    ['the socket, a directory', async () => mkdir(socketPath, { recursive: true, mode: 0o700 })],
    ['the directory, a link', async (target) => symlink(path.dirname(target), userDir)],
    ['the directory, a file', async () => writeFile(userDir, '')],
  ])('%s is refused and not touched', async (_name, plant) => {
    const target = path.join(path.dirname(stage.dir), 'target');
    await writeFile(target, 'mine', { mode: 0o640 });
    await plant(target);
    const { api, faults } = await stage.listen();
    expect(api.serving()).toEqual([]);
    expect(faults).toMatchObject([{ code: 'unsafe-path', uid: OWN_UID }]);
    expect(await modeOf(target)).toBe('640');
    await api.close();
    expect(await exists(target)).toBe(true);
  });

  it('the base, a link is refused', async () => {
    const link = path.join(path.dirname(stage.dir), 'link');
    await symlink(stage.dir, link);
    await expect(stage.listen({ dir: link })).rejects.toMatchObject({ code: 'unsafe-path' });
    await expect(stage.listen({ dir: path.join(link, 'below') })).rejects.toMatchObject({ code: 'unsafe-path' });
  });

  it.each([
    ['a base that others may write', 0o777],
    ['a base that others may write, though sticky', 0o1777],
    ['a base that a group may write', 0o775],
  ])('%s is refused', async (_name, mode) => {
    await chmod(stage.dir, mode);
    await expect(stage.listen()).rejects.toMatchObject({ code: 'unsafe-path' });
  });

  it('a base under one that others may write is refused', async () => {
    await chmod(stage.dir, 0o777);
    await expect(stage.listen({ dir: path.join(stage.dir, 'below') })).rejects.toMatchObject({ code: 'unsafe-path' });
  });

  it.each([
    ['relative', 'run'],
    ['with dots', '/somewhere/../somewhere/deskwarden'],
    ['with a slash at its end', '/somewhere/deskwarden/'],
  ])('a base that is %s is refused', async (_name, dir) => {
    await expect(stage.listen({ dir })).rejects.toMatchObject({ code: 'unsafe-path' });
  });

  it('a path that the system would cut short is refused', async () => {
    const { faults } = await stage.listen({ dir: path.join(stage.dir, 'x'.repeat(90)) });
    expect(faults).toMatchObject([{ code: 'path-too-long' }]);
  });
});

it('leaves no handle: a process that closes it ends by itself', { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', daemonPath, stage.dir, 'briefly'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(out).toBe('closed\n');
});

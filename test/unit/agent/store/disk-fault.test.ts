import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { z } from 'zod';
import { openStateFile, type SetAside } from '../../../../agent/store/state-file.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-disk-'));
const mounted: string[] = [];
afterAll(async () => {
  for (const dir of mounted) execFileSync('/bin/umount', [dir]);
  await rm(root, { recursive: true, force: true });
});

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

const Text = z.strictObject({ text: z.string() });

async function opened(dir: string) {
  const setAside: SetAside[] = [];
  const file = path.join(dir, 'state.json');
  const state = await openStateFile({
    path: file,
    schema: Text,
    fallback: { text: 'fallback' },
    onSetAside: (report) => setAside.push(report),
  });
  return { file, state, setAside };
}

/** A disk of its own, so that filling it harms nobody. */
async function smallDisk(context: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(root, 'mount-'));
  if (!isRoot) context.skip('mounting a tmpfs needs root');
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', dir], { stdio: 'pipe' });
  } catch (error) {
    context.skip(`no tmpfs can be mounted here: ${String(error).slice(0, 200)}`);
  }
  mounted.push(dir);
  return dir;
}

/** Root may write everywhere: what a directory allows is seen as someone else. */
async function asNobody<T>(task: () => Promise<T>): Promise<T> {
  if (!isRoot) return task();
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await task();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

describe('a full disk', () => {
  it('refuses the value with a code, keeps the old one, leaves nothing behind, and takes values again when there is room', async (context) => {
    const dir = await smallDisk(context);
    const { file, state } = await opened(dir);
    await state.write({ text: 'old' });
    const large = { text: 'x'.repeat(300_000) };
    for (let round = 0; round < 3; round++) {
      await expect(state.write(large)).rejects.toMatchObject({ name: 'StoreError', code: 'disk-full' });
      expect([await readFile(file, 'utf8'), await readdir(dir)]).toEqual(['{"text":"old"}', ['state.json']]);
    }
    await state.write({ text: 'new' });
    expect(await state.read()).toEqual({ text: 'new' });

    await writeFile(path.join(dir, 'ballast'), Buffer.alloc(300_000)).catch(() => {});
    await expect(state.write({ text: 'newer' })).rejects.toMatchObject({ code: 'disk-full' });
    expect(await (await opened(dir)).state.read()).toEqual({ text: 'new' });
    await rm(path.join(dir, 'ballast'));
    await state.write({ text: 'newer' });
    expect(await state.read()).toEqual({ text: 'newer' });
  });

  it('still lets a bad file be set aside', async (context) => {
    const dir = await smallDisk(context);
    const { file, state, setAside } = await opened(dir);
    await writeFile(file, 'bad');
    await writeFile(path.join(dir, 'ballast'), Buffer.alloc(300_000)).catch(() => {});
    expect(await state.read()).toEqual({ text: 'fallback' });
    expect(setAside).toMatchObject([{ movedTo: `${file}.corrupt-1` }]);
  });
});

describe('a read-only file system', () => {
  it('is read, refuses writes with a code, and keeps a bad file where it is', async (context) => {
    const dir = await smallDisk(context);
    const { file, state, setAside } = await opened(dir);
    await state.write({ text: 'old' });
    const remount = (mode: 'ro' | 'rw') => execFileSync('/bin/mount', ['-o', `remount,${mode}`, dir]);
    remount('ro');
    await expect(state.write({ text: 'new' })).rejects.toMatchObject({ name: 'StoreError', code: 'read-only' });
    expect(await (await opened(dir)).state.read()).toEqual({ text: 'old' });
    await expect((await opened(path.join(dir, 'below'))).state.write({ text: 'new' })).rejects.toMatchObject({ code: 'read-only' });

    remount('rw');
    await writeFile(file, 'bad');
    remount('ro');
    expect(await state.read()).toEqual({ text: 'fallback' });
    expect(setAside).toMatchObject([{ path: file, movedTo: null, reason: 'not-json' }]);
    remount('rw');
    await state.write({ text: 'new' });
    expect(await state.read()).toEqual({ text: 'new' });
  });
});

describe('permissions', () => {
  async function ownedDir(): Promise<string> {
    await chmod(root, 0o755);
    const dir = path.join(await mkdtemp(path.join(root, 'desk-')), 'state');
    await mkdir(dir);
    if (isRoot) {
      for (const name of [path.dirname(dir), dir]) await chown(name, NOBODY, NOBODY);
    }
    return dir;
  }

  it('that forbid writing refuse the value with a code and keep the old one', async () => {
    const dir = await ownedDir();
    await asNobody(async () => {
      const { state, file } = await opened(dir);
      await state.write({ text: 'old' });
      await chmod(dir, 0o500);
      await expect(state.write({ text: 'new' })).rejects.toMatchObject({ name: 'StoreError', code: 'denied' });
      expect([await state.read(), await readFile(file, 'utf8')]).toEqual([{ text: 'old' }, '{"text":"old"}']);
      await chmod(dir, 0o700);
    });
  });

  it.each([
    ['of the file', 0o000, 0o700],
    ['of its directory', 0o600, 0o000],
  ])('%s that forbid reading are an error, never the fallback', async (_name, fileMode, dirMode) => {
    const dir = await ownedDir();
    await asNobody(async () => {
      const { state, file, setAside } = await opened(dir);
      await state.write({ text: 'old' });
      await chmod(file, fileMode);
      await chmod(dir, dirMode);
      await expect(state.read()).rejects.toMatchObject({ name: 'StoreError', code: 'denied' });
      await expect((await opened(dir)).state.read()).rejects.toMatchObject({ code: 'denied' });
      await chmod(dir, 0o700);
      await chmod(file, 0o600);
      expect([await state.read(), setAside]).toEqual([{ text: 'old' }, []]);
    });
  });

  it('are told from a directory that leads nowhere', async () => {
    const dir = await ownedDir();
    await symlink(path.join(dir, 'nothing'), path.join(dir, 'link'));
    const { state } = await opened(path.join(dir, 'link', 'below'));
    await expect(state.write({ text: 'new' })).rejects.toMatchObject({ code: 'io' });
  });

  it('are told from a path that cannot be: a directory that is a file', async () => {
    const dir = await ownedDir();
    await writeFile(path.join(dir, 'file'), '');
    const { state } = await opened(path.join(dir, 'file'));
    await expect(state.read()).rejects.toMatchObject({ code: 'io' });
    await expect(state.write({ text: 'new' })).rejects.toMatchObject({ code: 'io' });
  });
});

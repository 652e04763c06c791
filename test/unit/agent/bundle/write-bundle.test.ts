import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeBundle } from '../../../../agent/bundle/write-bundle.ts';

let dir: string;
let out: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-write-'));
  out = path.join(dir, 'bundle.json');
});
afterEach(() => rm(dir, { recursive: true }));

it('makes a file that its maker alone can read', async () => {
  const before = process.umask(0);
  try {
    expect(await writeBundle(out, 'text', false)).toEqual({ ok: true });
  } finally {
    process.umask(before);
  }
  expect([await readFile(out, 'utf8'), (await lstat(out)).mode & 0o777]).toEqual(['text', 0o600]);
});

it('replaces a file only when told to, and then whole, with a mode of its own', async () => {
  await writeFile(out, 'older and longer', { mode: 0o644 });
  expect(await writeBundle(out, 'text', false)).toEqual({ ok: false, why: 'exists' });
  expect(await readFile(out, 'utf8')).toBe('older and longer');
  expect(await writeBundle(out, 'text', true)).toEqual({ ok: true });
  expect([await readFile(out, 'utf8'), (await lstat(out)).mode & 0o777]).toEqual(['text', 0o600]);
  expect(await readdir(dir)).toEqual(['bundle.json']);
});

it.each([false, true])('follows no link, neither to a file nor to nothing (force: %s)', async (force) => {
  const victim = path.join(dir, 'victim');
  await writeFile(victim, 'precious');
  await symlink(victim, out);
  expect(await writeBundle(out, 'text', force)).toMatchObject({ ok: false });
  expect(await readFile(victim, 'utf8')).toBe('precious');
  await rm(out);
  await symlink(path.join(dir, 'not-there'), out);
  expect(await writeBundle(out, 'text', force)).toMatchObject({ ok: false });
  expect((await readdir(dir)).sort()).toEqual(['bundle.json', 'victim']);
});

it('leaves a directory alone, and says that there is none to write into', async () => {
  await mkdir(out);
  expect(await writeBundle(out, 'text', true)).toEqual({ ok: false, why: 'not-a-file' });
  expect(await writeBundle(path.join(dir, 'gone', 'x'), 'text', false)).toEqual({ ok: false, why: 'system', code: 'ENOENT' });
});

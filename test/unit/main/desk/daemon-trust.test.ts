import { generateKeyPairSync } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { geteuid } from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ownership, ownershipFlaw, parentFlaw } from '../../../../main/desk/daemon-trust.ts';
import { readDaemonKey } from '../../../../main/desk/read-daemon-key.ts';

const OWN_UID = geteuid?.() ?? 0;
/** Nobody's account; only root can give files away. */
const OTHER = 61_234;

describe('what lies where the daemon puts its key', () => {
  const dir: Ownership = { kind: 'directory', uid: 0, mode: 0o755 };
  const file: Ownership = { kind: 'file', uid: 0, mode: 0o644 };

  it.each<[string, Ownership | null, 'directory' | 'file', string | null]>([
    ["is root's directory", dir, 'directory', null],
    ["is root's file", file, 'file', null],
    ["is a user's directory", { ...dir, uid: 1000 }, 'directory', 'it belongs to uid 1000'],
    ["is a user's file", { ...file, uid: 1000 }, 'file', 'it belongs to uid 1000'],
    ['can be written by a group', { ...dir, mode: 0o775 }, 'directory', 'it can be written by others'],
    ['can be written by everybody, sticky', { ...dir, mode: 0o1777 }, 'directory', 'it can be written by others'],
    ['can be written by everybody', { ...file, mode: 0o646 }, 'file', 'it can be written by others'],
    ['is a link or a pipe', { ...file, kind: 'other' }, 'file', 'it is no file'],
    ['is a file for a directory', file, 'directory', 'it is no directory'],
    ['is not there', null, 'file', 'it is no file'],
  ])('%s', (_name, found, kind, flaw) => {
    expect(ownershipFlaw('it', found, kind, [0])).toBe(flaw);
  });

  it.each<[string, number, number, string | null]>([
    ["of root's", 0, 0o755, null],
    ["of root's in which everybody may put what is his", 0, 0o1777, null],
    ["of root's in which everybody may rename", 0, 0o777, 'it can be written by others'],
    ["of a user's", 1000, 0o755, 'it belongs to uid 1000'],
    ["of a user's, sticky", 1000, 0o1777, 'it belongs to uid 1000'],
  ])('a directory above, %s', (_name, uid, mode, flaw) => {
    expect(parentFlaw('it', { kind: 'directory', uid, mode }, [0])).toBe(flaw);
  });
});

describe('reading the key', () => {
  let parentDir: string;
  let runDir: string;
  let keyPath: string;
  const pem = (type: 'ed25519' | 'ed448') =>
    generateKeyPairSync(type as 'ed25519')
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString();
  const read = () => readDaemonKey(runDir, [0]);
  /** What is told of a place of nobody special, where root's is wanted. */
  const theirs = OWN_UID === 0 ? OTHER : OWN_UID;

  beforeEach(async () => {
    parentDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-trust-'));
    await chmod(parentDir, 0o755);
    runDir = path.join(parentDir, 'run');
    keyPath = path.join(runDir, 'daemon.pub');
    await mkdir(runDir, { mode: 0o755 });
    await writeFile(keyPath, pem('ed25519'), { mode: 0o644 });
  });
  afterEach(() => rm(parentDir, { recursive: true, force: true }));

  const asRoot = OWN_UID === 0;

  it.skipIf(!asRoot)('gives root’s [only root can make what is root’s]', async () => {
    expect((await read()).asymmetricKeyType).toBe('ed25519');
  });

  it('refuses a directory that a user made, whatever lies in it', async () => {
    if (asRoot) await chown(runDir, OTHER, OTHER);
    await expect(read()).rejects.toMatchObject({ code: 'not-the-daemon', message: expect.stringContaining(`belongs to uid ${theirs}`) });
  });

  it.skipIf(!asRoot)('refuses a key that a user put there [only root can make what is root’s]', async () => {
    await chown(keyPath, OTHER, OTHER);
    await expect(read()).rejects.toMatchObject({ code: 'not-the-daemon', message: `${keyPath} belongs to uid ${OTHER}` });
  });

  it.skipIf(!asRoot)('refuses a directory in one of a user’s [only root can make what is root’s]', async () => {
    await chown(parentDir, OTHER, OTHER);
    await expect(read()).rejects.toMatchObject({ code: 'not-the-daemon', message: `${parentDir} belongs to uid ${OTHER}` });
  });

  it.skipIf(!asRoot).each<[string, () => Promise<unknown>, string]>([
    ['writable by a group', () => chmod(runDir, 0o775), 'can be written by others'],
    ['with a key that everybody may write', () => chmod(keyPath, 0o666), 'can be written by others'],
    ['with a link for a key', () => rename(keyPath, `${keyPath}.real`).then(() => symlink(`${keyPath}.real`, keyPath)), 'is a link'],
    ['with a key of another kind', () => writeFile(keyPath, pem('ed448')), 'holds no Ed25519 key'],
    ['with no key in the file', () => writeFile(keyPath, 'x'.repeat(10_000)), 'holds no Ed25519 key'],
  ])('refuses a directory %s [only root can make what is root’s]', async (_name, spoil, message) => {
    await spoil();
    await expect(read()).rejects.toMatchObject({ code: 'not-the-daemon', message: expect.stringContaining(message) });
  });

  it.skipIf(!asRoot)('finds no daemon where nothing is [only root can make what is root’s]', async () => {
    await rm(keyPath);
    await expect(read()).rejects.toMatchObject({ code: 'no-daemon' });
    await rm(runDir, { recursive: true });
    await expect(read()).rejects.toMatchObject({ code: 'no-daemon' });
  });
});

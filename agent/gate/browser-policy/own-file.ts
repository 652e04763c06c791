import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, readFile, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LedgerEntry } from '../../../contracts/ledger.ts';
import { errnoOf, StoreError, toStoreError } from '../../store/store-error.ts';
import type { Ledger } from '../ledger.ts';

/**
 * The time that our files were last modified, always: Chromium waits 5 s and more after each change of the newest time in
 * its directory, and does not wait for the epoch, which it takes for no time at all. Measured with Chromium 156.
 */
const MTIME_S = 0;

export interface OwnFile {
  /** Outermost first; the last holds the file. */
  dirs: readonly [string, ...string[]];
  name: string;
  /** On the same mount, and never where browsers read every file. */
  tempDir: string;
}

export function pathOf(file: OwnFile): string {
  return join(file.dirs.at(-1) ?? '', file.name);
}

function tempPathOf(file: OwnFile): string {
  return join(file.tempDir, `.${file.name}.tmp`);
}

/**
 * Renames a new file into its place, in the ledger first. Browsers find the old or the new text, never a part: half a file
 * would block nothing. Rejects with a `StoreError`; then what stood there stands.
 */
export async function placeFile(file: OwnFile, text: string, ledger: Ledger): Promise<void> {
  const path = pathOf(file);
  try {
    const missing: string[] = [];
    for (const dir of file.dirs) if (!(await isSoundDir(dir))) missing.push(dir);
    await ledger.recordIfPossible([...missing.map(directoryEntry), fileEntry(path)]);
    for (const dir of missing) await makeDir(dir);
    await writeTemp(tempPathOf(file), text);
    await rename(tempPathOf(file), path);
    await syncDir(dirname(path));
    await syncDir(file.tempDir);
  } catch (error) {
    await unlink(tempPathOf(file)).catch(() => {});
    throw toStoreError(error, path);
  }
}

/** Whether the file is there as `placeFile` left it. Rejects with a `StoreError` when that cannot be seen. */
export async function isIntact(file: OwnFile, text: string): Promise<boolean> {
  const path = pathOf(file);
  try {
    for (const dir of file.dirs) if (!(await isSoundDir(dir))) return false;
    const seen = await lstat(path);
    if (!seen.isFile() || !isTrusted(seen.uid) || (seen.mode & 0o777) !== 0o644 || seen.mtimeMs !== MTIME_S * 1_000) return false;
    return seen.size === Buffer.byteLength(text) && (await readFile(path, 'utf8')) === text;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toStoreError(error, path);
  }
}

/** True when there was a file. Also removes what a killed writer left. Rejects with a `StoreError`. */
export async function removeFile(file: OwnFile, ledger: Ledger): Promise<boolean> {
  const path = pathOf(file);
  try {
    await unlinkIfThere(tempPathOf(file));
    const wasThere = await unlinkIfThere(path);
    if (wasThere) await syncDir(dirname(path));
    await ledger.forget([fileEntry(path)]);
    return wasThere;
  } catch (error) {
    throw toStoreError(error, path);
  }
}

/** Removes the directories that are ours and empty. One that cannot be removed does no harm: it stays in the ledger. */
export async function removeOwnDirs(ledger: Ledger): Promise<void> {
  const dirs = ledger.entries().filter((entry) => entry.kind === 'directory' && entry.enforcer === 'browser-policy');
  const deepestFirst = dirs.flatMap((entry) => (entry.kind === 'directory' ? [entry] : [])).sort((a, b) => b.path.length - a.path.length);
  for (const entry of deepestFirst) {
    const isGone = await rmdir(entry.path).then(
      () => true,
      (error) => errnoOf(error) === 'ENOENT',
    );
    if (isGone) await ledger.forget([entry]);
  }
}

function fileEntry(path: string): LedgerEntry {
  return { kind: 'file', enforcer: 'browser-policy', path };
}

function directoryEntry(path: string): LedgerEntry {
  return { kind: 'directory', enforcer: 'browser-policy', path };
}

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** False where there is none. Rejects where someone else decides what is in it, or where browsers could not read it. */
async function isSoundDir(dir: string): Promise<boolean> {
  const seen = await lstat(dir).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (seen === null) return false;
  const refuse = (why: string) => new StoreError('denied', `${dir}: ${why}`);
  if (seen.isSymbolicLink()) throw refuse('a symbolic link');
  if (!seen.isDirectory()) throw refuse('not a directory');
  if (!isTrusted(seen.uid)) throw refuse(`it belongs to user ${seen.uid}`);
  if ((seen.mode & 0o002) !== 0) throw refuse('everybody may write to it');
  if ((seen.mode & 0o005) !== 0o005) throw refuse('browsers cannot read it');
  return true;
}

/** Whatever the umask says: browsers run as other users. */
async function makeDir(dir: string): Promise<void> {
  await mkdir(dir);
  await chmod(dir, 0o755);
  await syncDir(dirname(dir));
}

async function writeTemp(path: string, text: string): Promise<void> {
  await unlinkIfThere(path);
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(text);
    await handle.chmod(0o644);
    await handle.utimes(MTIME_S, MTIME_S);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const readBack = await readFile(path, 'utf8');
  JSON.parse(readBack);
  if (readBack !== text) throw new StoreError('io', `${path}: it reads back as another text`);
}

async function unlinkIfThere(path: string): Promise<boolean> {
  return unlink(path).then(
    () => true,
    (error) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, toStoreError } from './store-error.ts';

/**
 * A reader, at any instant and after any crash, finds the whole old or the whole new text; once this resolves, the new
 * one survives a power cut too. A symbolic link at the path is replaced, not followed. Rejects with a `StoreError`.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const dir = dirname(path);
  const tempPath = join(dir, `${tempPrefix(path)}${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await makeDir(dir);
    await writeNew(tempPath, text);
    await rename(tempPath, path);
    await syncDir(dir);
  } catch (error) {
    // It may not be there, or the directory may allow nothing; the next open tries again.
    await unlink(tempPath).catch(() => {});
    throw toStoreError(error, path);
  }
}

/** Removes what killed writers left beside the path; a writer that still lives keeps its file. */
export async function removeLeftovers(path: string): Promise<void> {
  const dir = dirname(path);
  const prefix = tempPrefix(path);
  // A directory that cannot be listed is told about by the first read or write.
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) ? /^(\d+)-[0-9a-f]{12}\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isOtherProcess(Number(pid))) await unlink(join(dir, name)).catch(() => {});
  }
}

function tempPrefix(path: string): string {
  return `.${basename(path)}.`;
}

/** False positive: a number given anew to someone else keeps the file until a later open. */
function isOtherProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Readable by its owner alone, as are the directories above it that are not there. Not mkdir's own `recursive`: of a read-only file system Node says ENOENT there. */
export async function makeDir(dir: string, mayAscend = true): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || !mayAscend) throw error;
    await makeDir(dirname(dir));
    return makeDir(dir, false);
  }
  await syncDir(dirname(dir));
}

async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename durable. Windows lets nobody sync a directory, and needs nobody to: NTFS journals the rename itself. */
async function syncDir(dir: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(dir, constants.O_RDONLY);
    await handle.sync();
  } catch (error) {
    if (!['EISDIR', 'EPERM'].includes(errnoOf(error))) throw error;
  } finally {
    await handle?.close();
  }
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, unlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';

// A file holds one key: magic (8 bytes) | when it was made, in ms (8) | key (32) | SHA-256 of the name and all before (32).

const MAGIC = Buffer.from('DWKEK\0\0\x01', 'latin1');
const KEY_AT = 16;
const DIGEST_AT = 48;
const FILE_BYTES = 80;

/** The directory or a file in it is not as it has to be: a person has to mend it. */
export class KeyFileFault extends Error {
  override readonly name = 'KeyFileFault';
}

export interface KeyFile {
  createdAt: Date;
  key: Buffer;
}

/** Refuses a directory that others may enter or that is another user's. Makes it where there is none. */
export async function openKeyDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((error) => {
    throw new KeyFileFault(`${dir} cannot be made: ${errnoOf(error)}`);
  });
  const stats = await lstat(dir);
  if (!stats.isDirectory()) throw new KeyFileFault(`${dir} is no directory`);
  refuseLoose(dir, stats, 'chmod 700');
}

/** Null where there is no such file. The caller wipes the key. */
export async function readKeyFile(path: string): Promise<KeyFile | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw new KeyFileFault(`${path} cannot be read: ${errnoOf(error)}`);
  });
  if (!handle) return null;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new KeyFileFault(`${path} is no regular file`);
    refuseLoose(path, stats, 'chmod 600');
    const bytes = await handle.readFile();
    const key = Buffer.from(bytes.subarray(KEY_AT, DIGEST_AT));
    const whole = bytes.length === FILE_BYTES && timingSafeEqual(bytes.subarray(DIGEST_AT), digestOf(path, bytes));
    const createdAt = whole ? new Date(Number(bytes.readBigUInt64BE(MAGIC.length))) : null;
    bytes.fill(0);
    if (createdAt) return { createdAt, key };
    key.fill(0);
    throw new KeyFileFault(`${path} is damaged, or was renamed: bring it back from a backup`);
  } finally {
    await handle.close();
  }
}

/** False where the file exists already: a key is never written over. On disk, and whole, once this resolves. */
export async function makeKeyFile(path: string, createdAt: Date): Promise<boolean> {
  const dir = dirname(path);
  const tempPath = join(dir, `.${randomBytes(8).toString('hex')}.new`);
  const bytes = Buffer.alloc(FILE_BYTES);
  MAGIC.copy(bytes);
  bytes.writeBigUInt64BE(BigInt(createdAt.getTime()), MAGIC.length);
  randomBytes(DIGEST_AT - KEY_AT).copy(bytes, KEY_AT);
  digestOf(path, bytes).copy(bytes, DIGEST_AT);
  try {
    const handle = await open(tempPath, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await syncedThenClosed(handle, () => handle.writeFile(bytes));
    // Unlike a rename it fails where the name is taken, so that of two servers one makes the key.
    await link(tempPath, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw new KeyFileFault(`${path} cannot be written: ${errnoOf(error)}`);
  } finally {
    bytes.fill(0);
    await unlink(tempPath).catch(() => {});
    // Also where another server made it: it may not have come this far before its power went.
    const handle = await open(dir, constants.O_RDONLY);
    await syncedThenClosed(handle, async () => {});
  }
}

async function syncedThenClosed(handle: FileHandle, write: () => Promise<void>): Promise<void> {
  try {
    await write();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name counts: a file that was renamed is another instance's key. */
function digestOf(path: string, bytes: Buffer): Buffer {
  return createHash('sha256').update(basename(path)).update('\0').update(bytes.subarray(0, DIGEST_AT)).digest();
}

function refuseLoose(path: string, { mode, uid }: { mode: number; uid: number }, remedy: string): void {
  const own = userInfo().uid;
  if (uid !== own) throw new KeyFileFault(`${path} belongs to uid ${uid}, and this server runs as uid ${own}`);
  if ((mode & 0o077) !== 0) throw new KeyFileFault(`${path} is open to others (mode ${(mode & 0o777).toString(8)}): ${remedy} ${path}`);
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

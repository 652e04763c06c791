import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../store/store-error.ts';

/** As many as a support person looks through. */
const MOST_FILES = 300;

/** Why there is nothing to show. */
export interface Unreadable {
  unreadable: string;
}

export interface FileFacts {
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
  bytes: number;
  mode: string;
  uid: number;
  modifiedAt: string;
}

export async function listFiles(dir: string): Promise<FileFacts[] | Unreadable> {
  try {
    const names = (await readdir(dir)).sort().slice(0, MOST_FILES);
    const facts = await Promise.all(names.map((name) => factsOf(path.join(dir, name), name)));
    return facts.flatMap((one) => ('unreadable' in one ? [] : [one]));
  } catch (error) {
    return { unreadable: whyNot(error) };
  }
}

export async function factsOf(filePath: string, name = filePath): Promise<FileFacts | Unreadable> {
  try {
    const stats = await lstat(filePath);
    const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
    return { name, kind: kindOf(stats), bytes: stats.size, mode, uid: stats.uid, modifiedAt: stats.mtime.toISOString() };
  } catch (error) {
    return { unreadable: whyNot(error) };
  }
}

/** The end of a regular file, as much as may be; links are not followed, since a user may have put one there for root to read. */
export async function readTail(filePath: string, maxBytes: number): Promise<{ text: string; isWhole: boolean } | Unreadable> {
  try {
    // O_NONBLOCK: a pipe in its place must not hang us.
    const handle = await open(filePath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return { unreadable: 'not a regular file' };
      const length = Math.min(stats.size, maxBytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, stats.size - length);
      return { text: buffer.toString('utf8', 0, bytesRead), isWhole: length === stats.size };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { unreadable: whyNot(error) };
  }
}

function kindOf(stats: Stats): FileFacts['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

export function whyNot(error: unknown): string {
  return errnoOf(error) || (error instanceof Error ? error.message : 'unknown');
}

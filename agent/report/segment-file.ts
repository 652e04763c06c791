import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeLeftovers, replaceFile } from '../store/replace-file.ts';
import { errnoOf, toStoreError } from '../store/store-error.ts';

const NAME = /^segment-(\d{12})\.ndjson$/;
const LEFTOVER = /^\.(.+)\.\d+-[0-9a-f]{12}\.tmp$/;

export function segmentPath(dir: string, number: number): string {
  return join(dir, `segment-${String(number).padStart(12, '0')}.ndjson`);
}

/** Numbers of the segments there are, the oldest first; what killed writers left is removed. Rejects with a `StoreError`. */
export async function listSegments(dir: string): Promise<number[]> {
  const names = await readdir(dir).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toStoreError(error, dir);
  });
  for (const base of new Set(names.flatMap((name) => LEFTOVER.exec(name)?.[1] ?? []))) await removeLeftovers(join(dir, base));
  return names.flatMap((name) => (NAME.exec(name) ? [Number(NAME.exec(name)?.[1])] : [])).sort((a, b) => a - b);
}

/** The whole file. `sync`: on the disk, too, since a killed writer may have left what only the kernel has. */
export async function readSegment(path: string, sync = false): Promise<Buffer> {
  try {
    if (!sync) return await readFile(path);
    return await withFile(path, 'r+', async (handle) => {
      await handle.datasync();
      return handle.readFile();
    });
  } catch (error) {
    throw toStoreError(error, path);
  }
}

export async function readSlice(path: string, offset: number, length: number): Promise<Buffer> {
  try {
    return await withFile(path, 'r', async (handle) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
  } catch (error) {
    throw toStoreError(error, path);
  }
}

export interface SegmentWriter {
  /**
   * All of the bytes, after those written before, or a `StoreError` and none of them. `durable`: they survive a power cut.
   */
  write(bytes: Buffer, durable: boolean): Promise<void>;
  /** A write failed and could not be taken back: what is behind the last good byte is unknown. */
  isSpoilt(): boolean;
  close(): Promise<void>;
}

/** A new segment with its first lines, whole or not there at all. */
export async function createSegment(path: string, head: Buffer): Promise<SegmentWriter> {
  await replaceFile(path, head.toString('utf8'));
  const handle = await open(path, 'r+').catch((error) => {
    throw toStoreError(error, path);
  });
  let end = head.length;
  let spoilt = false;
  return {
    async write(bytes, durable) {
      try {
        for (let done = 0; done < bytes.length; ) {
          done += (await handle.write(bytes, done, bytes.length - done, end + done)).bytesWritten;
        }
        if (durable) await handle.datasync();
      } catch (error) {
        spoilt = await handle
          .truncate(end)
          .then(() => handle.datasync())
          .then(
            () => false,
            () => true,
          );
        throw toStoreError(error, path);
      }
      end += bytes.length;
    },
    isSpoilt: () => spoilt,
    close: () => handle.close(),
  };
}

async function withFile<T>(path: string, flags: string, task: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await task(handle);
  } finally {
    await handle.close();
  }
}

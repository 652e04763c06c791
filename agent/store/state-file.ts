import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { removeLeftovers, replaceFile } from './replace-file.ts';
import { errnoOf, StoreError, toStoreError } from './store-error.ts';

/** 200 findings with 16 KiB of evidence each, and as much again. */
export const MAX_STATE_BYTES = 8 * 1024 * 1024;

/** Enough to see whether a fault repeats; older ones are removed. */
export const MAX_SET_ASIDE = 5;

const MAX_DETAIL_LENGTH = 500;

export type Unusable = 'not-a-file' | 'too-large' | 'not-json' | 'wrong-shape';

export interface SetAside {
  path: string;
  /** Where the file is now; null when it could not be moved. */
  movedTo: string | null;
  reason: Unusable;
  detail: string;
}

export interface StateFile<T> {
  /** The stored value, or the fallback when there is none that can be used. Rejects with a `StoreError`. */
  read(): Promise<T>;
  /**
   * Resolves when this value, or one written after it, is on the disk. Rejects with a `StoreError`; the old
   * value then stands, unless all that failed was to make the new one survive a power cut.
   */
  write(value: T): Promise<void>;
}

export interface StateFileSettings<S extends z.ZodType> {
  path: string;
  schema: S;
  fallback: z.output<S>;
  onSetAside?: ((report: SetAside) => void) | undefined;
}

/** One value in one file. One writer at a time: two that open the same path overwrite each other, whole value by whole value. */
export async function openStateFile<S extends z.ZodType>(settings: StateFileSettings<S>): Promise<StateFile<z.output<S>>> {
  const { path, schema, fallback, onSetAside } = settings;
  await removeLeftovers(path);

  // Reads take their turn too: setting a bad file aside must not take away a good one written meanwhile.
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<R>(task: () => Promise<R>): Promise<R> {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  }

  let waiting: { text: string; done: Promise<void> } | null = null;

  async function load(): Promise<z.output<S>> {
    const found = await readFound(path, schema);
    if (found === null) return fallback;
    if ('value' in found) return found.value;
    const detail = found.detail.slice(0, MAX_DETAIL_LENGTH);
    // Moved only by who tells of it: a short-lived command leaves it to the daemon.
    if (onSetAside) onSetAside({ path, movedTo: await moveAside(path), reason: found.unusable, detail });
    return fallback;
  }

  return {
    read: () => inTurn(load),
    async write(value) {
      const text = storable(path, schema, value);
      if (waiting) {
        waiting.text = text;
        return waiting.done;
      }
      const batch = { text, done: Promise.resolve() };
      batch.done = inTurn(() => {
        waiting = null;
        return replaceFile(path, batch.text);
      });
      waiting = batch;
      return batch.done;
    },
  };
}

/** What could not be read back is refused now, while the old value still stands. */
function storable(path: string, schema: z.ZodType, value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new StoreError('not-storable', `${path}: not a JSON value`);
  if (Buffer.byteLength(text) > MAX_STATE_BYTES) throw new StoreError('not-storable', `${path}: more than ${MAX_STATE_BYTES} bytes`);
  const again = schema.safeParse(JSON.parse(text));
  if (!again.success) throw new StoreError('not-storable', `${path}: ${z.prettifyError(again.error).slice(0, MAX_DETAIL_LENGTH)}`);
  return text;
}

type Found<T> = { value: T } | { unusable: Unusable; detail: string } | null;

async function readFound<S extends z.ZodType>(path: string, schema: S): Promise<Found<z.output<S>>> {
  let bytes: Buffer;
  try {
    const seen = await lstat(path);
    if (!seen.isFile()) return { unusable: 'not-a-file', detail: seen.isSymbolicLink() ? 'a symbolic link' : 'not a regular file' };
    const read = await readBounded(path);
    if ('size' in read) return { unusable: 'too-large', detail: `${read.size} bytes, at most ${MAX_STATE_BYTES}` };
    bytes = read;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw toStoreError(error, path);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return { unusable: 'not-json', detail: `${bytes.length} bytes: ${error instanceof Error ? error.name : 'unreadable'}` };
  }
  const parsed = schema.safeParse(raw);
  return parsed.success ? { value: parsed.data } : { unusable: 'wrong-shape', detail: z.prettifyError(parsed.error) };
}

async function readBounded(path: string): Promise<Buffer | Stats> {
  // Windows has no O_NOFOLLOW; there the look before stands alone. O_NONBLOCK: a pipe put there meanwhile must not hang us.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    return stats.size > MAX_STATE_BYTES ? stats : await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Moves the file, or the symbolic link itself, to `<name>.corrupt-<n>`, counting up, and removes the oldest beyond the bound. */
async function moveAside(path: string): Promise<string | null> {
  const dir = dirname(path);
  const prefix = `${basename(path)}.corrupt-`;
  try {
    const taken = (await readdir(dir))
      .filter((name) => name.startsWith(prefix) && /^\d{1,15}$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
    const movedTo = join(dir, `${prefix}${(taken.at(-1) ?? 0) + 1}`);
    await rename(path, movedTo);
    for (const n of taken.slice(0, Math.max(0, taken.length + 1 - MAX_SET_ASIDE))) {
      await rm(join(dir, `${prefix}${n}`), { recursive: true, force: true });
    }
    return movedTo;
  } catch {
    // A directory that allows no change: the file stays, and the next write, if one succeeds, replaces it.
    return null;
  }
}

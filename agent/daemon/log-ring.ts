import { closeSync, constants, fchmodSync, fstatSync, lstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { geteuid } from 'node:process';
import { isLoose } from '../local-api/path-safety.ts';

const MOST_FILES = 5;
const MOST_BYTES = 1_048_576;
/** A disk that was full may have room again. */
const RETRY_MS = 60_000;

const OWNER_ONLY_DIR = 0o700;
const OWNER_ONLY_FILE = 0o600;
const LINE_FEED = 0x0a;

export interface LogRing {
  /** Written when it returns, so that no exit loses a line. Never throws. */
  append(line: string): void;
  close(): void;
}

export interface LogRingSettings {
  dir: string;
  /** Told once when lines begin to be lost; again only after a line was kept in between. */
  onLost: (detail: string) => void;
  monotonicMs: () => number;
}

/**
 * The last lines of the log on disk: `deskwarden.log`, and `deskwarden.1.log` to `deskwarden.4.log` the older the higher,
 * of 1 MiB at most each. Lines are few, so they are written synchronously; a line that cannot be written is dropped.
 */
export function openLogRing({ dir, onLost, monotonicMs }: LogRingSettings): LogRing {
  let file: { fd: number; size: number } | undefined;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  let isLosing = false;

  function write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    file ??= openCurrent(dir);
    if (file.size > 0 && file.size + bytes.length > MOST_BYTES) {
      closeSync(file.fd);
      file = undefined;
      rotate(dir);
      file = openCurrent(dir);
    }
    const written = writeSync(file.fd, bytes);
    file.size += written;
    // What a full disk took of a line stays; the next open ends it.
    if (written < bytes.length) throw new Error(`${dir}: no space for a whole line`);
  }

  function close(): void {
    const open = file;
    file = undefined;
    if (open) closeSync(open.fd);
  }

  return {
    append(line) {
      if (monotonicMs() < retryAtMs) return;
      try {
        write(line);
        isLosing = false;
      } catch (error) {
        retryAtMs = monotonicMs() + RETRY_MS;
        closeQuietly(close);
        if (!isLosing) onLost((error as Error).message);
        isLosing = true;
      }
    },
    close: () => closeQuietly(close),
  };
}

function closeQuietly(close: () => void): void {
  try {
    close();
  } catch {
    // A file system may tell at the close that it lost what was written; there is nobody to write it again.
  }
}

function filePath(dir: string, age: number): string {
  return path.join(dir, age === 0 ? 'deskwarden.log' : `deskwarden.${age}.log`);
}

function rotate(dir: string): void {
  for (let age = MOST_FILES - 1; age > 0; age -= 1) {
    try {
      renameSync(filePath(dir, age - 1), filePath(dir, age));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function openCurrent(dir: string): { fd: number; size: number } {
  mkdirSync(dir, { recursive: true, mode: OWNER_ONLY_DIR });
  const found = lstatSync(dir);
  // Whoever can swap a file under a daemon that runs as root decides where it writes.
  const isOurs = geteuid === undefined || (found.uid === geteuid() && !isLoose(found));
  if (!found.isDirectory() || !isOurs) throw new Error(`${dir} is no directory that only the daemon can write to`);
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const fd = openSync(filePath(dir, 0), flags, OWNER_ONLY_FILE);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error(`${filePath(dir, 0)} is no file`);
    fchmodSync(fd, OWNER_ONLY_FILE);
    return { fd, size: stats.size + endTornLine(fd, stats.size) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A crash or a full disk may have cut the last line. Returns how much was added. */
function endTornLine(fd: number, size: number): number {
  if (size === 0) return 0;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === LINE_FEED ? 0 : writeSync(fd, '\n');
}

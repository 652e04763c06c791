import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { makeDir } from '../store/replace-file.ts';
import { errnoOf, StoreError, toStoreError } from '../store/store-error.ts';

/** Which process holds a state directory. A number given anew to another process has another start. */
const Holder = z.strictObject({ pid: z.int().positive(), bootId: z.string().max(100), startedTicks: z.string().max(30) });
type Holder = z.infer<typeof Holder>;

/** Between making the file and writing into it a holder is unknown. */
const HALF_WRITTEN_MS = 500;
/** Somebody who found a dead holder may have taken away the file of the next one with it. */
const TAKEN_AWAY_MS = 50;
const TRIES = 3;

export interface DaemonLock {
  release(): Promise<void>;
}

/**
 * One daemon at a time on a state directory: two would each overwrite what the other decided, and count reports twice.
 * Rejects with a `StoreError` (`in-use` while another one lives). One that was killed leaves a file that nobody heeds.
 */
export async function lockStateDir(stateDir: string, bootId: string): Promise<DaemonLock> {
  const lockPath = path.join(stateDir, 'daemon.lock');
  for (let tries = 1; ; tries++) {
    try {
      await makeDir(stateDir);
      await writeHolder(lockPath, { pid: process.pid, bootId, startedTicks: (await startOf(process.pid)) ?? '0' });
      await delay(TAKEN_AWAY_MS);
      if ((await readHolder(lockPath))?.pid === process.pid) return { release: () => rm(lockPath, { force: true }) };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw toStoreError(error, lockPath);
    }
    const other = await daemonOf(stateDir, bootId);
    if (other !== null || tries >= TRIES) throw new StoreError('in-use', `another daemon, process ${other ?? '?'}, uses ${stateDir}`);
    await rm(lockPath, { force: true }).catch((error) => Promise.reject(toStoreError(error, lockPath)));
  }
}

/** The process that uses the directory now; null when none does. */
export async function daemonOf(stateDir: string, bootId: string): Promise<number | null> {
  const lockPath = path.join(stateDir, 'daemon.lock');
  const holder = (await readHolder(lockPath)) ?? (await delay(HALF_WRITTEN_MS, undefined).then(() => readHolder(lockPath)));
  if (holder === null || holder.bootId !== bootId) return null;
  return (await startOf(holder.pid)) === holder.startedTicks ? holder.pid : null;
}

async function writeHolder(lockPath: string, holder: Holder): Promise<void> {
  const file = await open(lockPath, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(holder));
  } finally {
    await file.close();
  }
}

async function readHolder(lockPath: string): Promise<Holder | null> {
  const text = await readFile(lockPath, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Field 22 of proc_pid_stat(5), in clock ticks since boot; null without such a process, or without /proc. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name in brackets may hold spaces and brackets of its own.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  // One that has ended is listed until its parent asks for it, which in a container may be never.
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Binaries } from './embedded-binaries.ts';
import { EmbeddedFault, faultOf } from './embedded-fault.ts';
import { notRun } from './embedded-init.ts';
import { type Postmaster, readPostmaster } from './postmaster-file.ts';
import { isAlive, type Processes, programOf } from './process-life.ts';
import { type Account, programOptions, runProgram } from './run-program.ts';

export interface ServerPlace {
  dir: string;
  dataDir: string;
  binaries: Binaries;
  account: Account;
  settings: readonly string[];
}

/** Recovery after a kill replays up to `max_wal_size`, on a slow disk. */
const START_MS = 300_000;
const POLL_MS = 50;
/** Connections are cut, then one checkpoint is written. */
const STOP_SEC = 60;
/** For what a kill left to be gone, or to be ready. */
const WAY_CLEAR_MS = 20_000;
const WAY_CLEAR_POLL_MS = 200;
const LAST_MOMENT_MS = 5_000;
const LOG_BYTES = 5_000_000;

export interface Running {
  pid: number;
  port: number;
  /** It ran already, left by a fleet process that was killed. */
  adopted: boolean;
}

export async function adoptOrStart(place: ServerPlace, processes: Processes): Promise<Running> {
  const startedAt = performance.now();
  for (;;) {
    const running = await tryAdoptOrStart(place, processes);
    if ('pid' in running) return running;
    // One that a killed fleet process was starting took the directory between our look and our start: it is to be adopted.
    const isTaken = running.said.includes('lock file "postmaster.pid" already exists');
    // Backends of a killed postmaster hold its shared memory until they notice.
    const isHeld = running.said.includes('pre-existing shared memory block');
    if (!(isTaken || isHeld) || performance.now() - startedAt > WAY_CLEAR_MS) throw faultOf('starting PostgreSQL', running.said, place.dir);
    await delay(WAY_CLEAR_POLL_MS);
  }
}

async function tryAdoptOrStart(place: ServerPlace, processes: Processes): Promise<Running | { said: string }> {
  const left = await readPostmaster(place.dataDir);
  if (left && (await isAlive(left.pid, processes))) {
    if (await isPostgres(left.pid)) {
      const ready = await waitUntilReady(place.dataDir, left.pid, () => isAlive(left.pid, processes));
      if (ready) return { pid: ready.pid, port: ready.port, adopted: true };
    } else {
      // The number went to another program since, which PostgreSQL would take for itself if it runs as the same account.
      await rm(path.join(place.dataDir, 'postmaster.pid'), { force: true });
    }
  }
  const started = await tryStart(place);
  return 'pid' in started ? { pid: started.pid, port: started.port, adopted: false } : started;
}

async function isPostgres(pid: number): Promise<boolean> {
  const program = await programOf(pid);
  return program === null || program === 'postgres';
}

async function tryStart(place: ServerPlace): Promise<Postmaster | { said: string }> {
  const logFile = path.join(place.dir, 'postgres.log');
  if ((await sizeOf(logFile)) > LOG_BYTES) await rename(logFile, `${logFile}.1`);
  const from = await sizeOf(logFile);
  const log = await open(logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    const args = ['-D', place.dataDir, ...place.settings.flatMap((setting) => ['-c', setting])];
    // In a session of its own: Ctrl-C at a terminal is for the fleet, which then stops the server in order.
    child = spawn(place.binaries.postgres, args, { ...programOptions(place.account), detached: true, stdio: ['ignore', log.fd, log.fd] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error: NodeJS.ErrnoException) => reject(notRun(place.binaries.postgres, error)));
    });
  } finally {
    await log.close();
  }
  child.unref();
  const running = async () => child.exitCode === null && child.signalCode === null;
  const ready = await waitUntilReady(place.dataDir, child.pid ?? 0, running);
  return ready ?? { said: (await readFile(logFile)).subarray(from).toString() };
}

/** Null once it runs no more. */
async function waitUntilReady(dataDir: string, pid: number, running: () => Promise<boolean>): Promise<Postmaster | null> {
  const startedAt = performance.now();
  for (;;) {
    const found = await readPostmaster(dataDir);
    if (found?.pid === pid && found.status === 'ready') return found;
    if (!(await running())) return null;
    if (performance.now() - startedAt > START_MS) {
      throw new EmbeddedFault('not-started', `PostgreSQL in ${dataDir}, process ${pid}, takes no connections after ${START_MS / 1_000} s`);
    }
    await delay(POLL_MS);
  }
}

function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Fast shutdown; one that hangs is stopped at once, which costs a recovery and no committed row. */
export async function stopServer({ dir, dataDir, binaries, account }: ServerPlace, processes: Processes): Promise<void> {
  const running = await readPostmaster(dataDir);
  let said = '';
  for (const mode of ['fast', 'immediate']) {
    const args = ['stop', '-D', dataDir, '-m', mode, '-w', '-t', String(STOP_SEC)];
    const ended = await runProgram(binaries.pgCtl, args, account, (STOP_SEC + 10) * 1_000);
    if (ended.code === 0 || (await readPostmaster(dataDir)) === null) {
      return running ? untilGone(running.pid, processes) : undefined;
    }
    said += ended.said;
  }
  throw new EmbeddedFault('not-stopped', `PostgreSQL in ${dir} does not stop: ${said.trim()}`);
}

/** Its file, for which pg_ctl waits, goes a moment before the process. */
async function untilGone(pid: number, processes: Processes): Promise<void> {
  const startedAt = performance.now();
  while ((await isAlive(pid, processes)) && performance.now() - startedAt < LAST_MOMENT_MS) await delay(POLL_MS);
}

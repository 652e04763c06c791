import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describeMissing, missingTools, toolPath } from '../../build/debian-tools.ts';
import { repoRoot } from '../../build/repo.ts';
import { type Binaries, binariesIn, embeddedBinaries } from '../../fleet/db/embedded-binaries.ts';

export interface TestServer {
  adminUrl: string;
  ownerUrl: string;
  appUrl: string;
  keeper: number;
}

/** 15: Debian's, instead of the one that npm brought. */
const wantsDebian = process.env.DESKWARDEN_TEST_POSTGRES === '15';
/** Initialised, started and migrated while other tests use the machine. */
const START_MS = 60_000;
const END_MS = 15_000;
const POLL_MS = 50;

/** Why tests of the database cannot run here; null when they can. */
export function whyNoDatabase(): string | null {
  const missing = wantsDebian ? missingTools('database') : [];
  return missing.length === 0 ? null : describeMissing(missing).replaceAll('\n', '; ');
}

/** Programs of the PostgreSQL that the tests are to use. */
export function testBinaries(): Binaries {
  return wantsDebian ? binariesIn(path.dirname(toolPath('postgres')), process.platform) : embeddedBinaries(process.platform, process.arch);
}

/** Starts the server of this run, unless another worker did. */
export async function serverOfThisRun(durable: boolean): Promise<TestServer> {
  // A worker of vitest lives for one file; its parent for the run.
  const run = process.env.VITEST_POOL_ID ? process.ppid : process.pid;
  const dir = dirOf(run, durable);
  const first = await mkdir(dir).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? false : Promise.reject(error)),
  );
  if (first) startKeeper(dir, run, durable);
  const startedAt = performance.now();
  while (performance.now() - startedAt < START_MS) {
    const ready = await readFile(path.join(dir, 'ready.json'), 'utf8').catch(() => null);
    if (ready !== null) return JSON.parse(ready) as TestServer;
    const failed = await readFile(path.join(dir, 'failed.txt'), 'utf8').catch(() => null);
    if (failed !== null) throw new Error(`the database of the tests did not start: ${failed}`);
    await delay(POLL_MS);
  }
  throw new Error(`the database of the tests did not start within ${START_MS / 1_000} s: ${dir}`);
}

/** Waits until nothing is left of the servers that a run started. */
export async function endServersOf(run: number): Promise<void> {
  for (const dir of [dirOf(run, false), dirOf(run, true)]) {
    const ready = await readFile(path.join(dir, 'ready.json'), 'utf8').catch(() => null);
    if (ready !== null) process.kill((JSON.parse(ready) as TestServer).keeper, 'SIGTERM');
    const startedAt = performance.now();
    while (ready !== null && existsSync(dir) && performance.now() - startedAt < END_MS) await delay(POLL_MS);
    if (existsSync(path.join(dir, 'failed.txt'))) await rm(dir, { recursive: true, force: true });
  }
}

function dirOf(run: number, durable: boolean): string {
  return path.join(tmpdir(), `deskwarden-db-${run}${durable ? '-durable' : ''}`);
}

function startKeeper(dir: string, run: number, durable: boolean): void {
  const keeper = fileURLToPath(new URL('database-keeper.ts', import.meta.url));
  const binDir = wantsDebian ? path.dirname(testBinaries().postgres) : '';
  const args = ['--import', 'tsx', keeper, dir, String(run), binDir, durable ? 'durable' : ''];
  spawn(process.execPath, args, { detached: true, stdio: 'ignore', cwd: repoRoot }).unref();
}

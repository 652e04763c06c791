import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { chmod, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Embedded, type EmbeddedOptions, openEmbedded } from '../../../fleet/db/embedded.ts';
import { readPostmaster } from '../../../fleet/db/postmaster-file.ts';
import { testBinaries } from '../database-server.ts';
import { thisMachine } from '../this-machine.ts';

export interface FleetProcess {
  child: ChildProcess;
  /** Its one line. */
  answer: Promise<Embedded & { code?: string; message?: string }>;
  ended: Promise<unknown>;
}

/** Directories and processes of one test file; `clear` leaves nothing of them, whatever a test did. */
export interface Stage {
  newDir(): Promise<string>;
  open(dir: string, options?: Partial<EmbeddedOptions>): Promise<Embedded>;
  fleetProcess(dir: string): FleetProcess;
  clear(): Promise<void>;
}

const program = fileURLToPath(new URL('embedded-process.ts', import.meta.url));

export function stageServers(): Stage {
  const dirs: string[] = [];
  const children: ChildProcess[] = [];
  const opened: Embedded[] = [];
  return {
    async newDir() {
      const dir = mkdtempSync(path.join(tmpdir(), 'dw-pg-'));
      // Passed through by the account that PostgreSQL runs as.
      await chmod(dir, 0o711);
      dirs.push(dir);
      return path.join(dir, 'db');
    },
    async open(dir, options = {}) {
      const settings = ['shared_buffers=16MB'];
      const server = await openEmbedded({ dir, machine: thisMachine, binaries: testBinaries(), settings, ...options });
      opened.push(server);
      return server;
    },
    fleetProcess(dir) {
      const child = spawn(process.execPath, ['--import', 'tsx', program, dir], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
      children.push(child);
      const answer = once(createInterface({ input: child.stdout }), 'line').then(([line]) => JSON.parse(line));
      return { child, answer, ended: once(child, 'exit') };
    },
    async clear() {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
      await Promise.all(opened.map((server) => server.stop()));
      for (const dir of dirs) {
        const left = await readPostmaster(path.join(dir, 'db', 'data'));
        if (left) await killServer(left.pid);
        await rm(dir, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

/** The server and every process of it, at one instant; resolves when all are gone. */
export async function killServer(postmaster: number): Promise<void> {
  const all = [postmaster, ...(await childrenOf(postmaster))];
  for (const pid of all) {
    if (isThere(pid)) process.kill(pid, 'SIGKILL');
  }
  await untilGone(all);
}

export async function untilGone(pids: readonly number[], withinMs = 10_000): Promise<void> {
  const startedAt = performance.now();
  while (pids.some(isThere)) {
    if (performance.now() - startedAt > withinMs) throw new Error(`still there after ${withinMs} ms: ${pids.filter(isThere).join(' ')}`);
    await delay(20);
  }
}

/** One that ended and waits for its new parent, which takes its time, is there no more. */
export function isThere(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export async function childrenOf(parent: number): Promise<number[]> {
  const numbers = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const parents = await Promise.all(numbers.map(async (pid) => ({ pid, parent: await parentOf(pid) })));
  return parents.filter((one) => one.parent === parent).map(({ pid }) => pid);
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { repoRoot } from './repo.ts';

/** A step that heeds SIGTERM ends well within this; the lab needs a moment to take its namespaces down. */
const TERMINATION_MS = 10_000;

export interface Ran {
  ok: boolean;
  output: string;
  tookMs: number;
}

const running = new Set<ChildProcess>();

/** Runs Node with these arguments in the repository. `show` lets its output through as it comes; else it is kept. */
export function runNode(args: readonly string[], { show }: { show: boolean }): Promise<Ran> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: repoRoot,
      // What is kept is shown as plain text, and so is all of it where nobody looks at a terminal.
      env: show && process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
      // A process group of its own, so that ending a step ends what it started too.
      detached: process.platform !== 'win32',
    });
    running.add(child);
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    const end = (ok: boolean, more = '') => {
      running.delete(child);
      resolve({ ok, output: Buffer.concat(chunks).toString('utf8') + more, tookMs: performance.now() - startedMs });
    };
    child.on('error', (error) => end(false, error.message));
    child.on('close', (code, signal) => end(code === 0, signal ? `ended by ${signal}\n` : ''));
  });
}

/** Ctrl-C and SIGTERM end the running step, its children, and then this process. */
export function endStepsOnSignal(): void {
  for (const [signal, exitCode] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    process.once(signal, () => {
      for (const child of running) {
        child.once('close', () => process.exit(exitCode));
        kill(child, 'SIGTERM');
        setTimeout(() => kill(child, 'SIGKILL'), TERMINATION_MS);
      }
      if (running.size === 0) process.exit(exitCode);
    });
  }
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

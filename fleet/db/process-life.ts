import { readFile } from 'node:fs/promises';

/** What a caller knows of processes; `process.kill` and `process.pid` of the composition root. */
export interface Processes {
  pid: number;
  /** With signal 0 it throws for a process that is not there. */
  kill(pid: number, signal: 0): unknown;
}

export async function isAlive(pid: number, { kill }: Processes): Promise<boolean> {
  try {
    kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await startOf(pid)) !== 'ended';
}

/** Field 22 of proc_pid_stat(5), in clock ticks since boot; empty without /proc, where the number alone must do. */
export async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name in brackets may hold spaces and brackets of its own.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  // One that has ended is listed until its parent asks for it, which in a container may be never.
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
}

/** Null without /proc, or without such a process. */
export async function programOf(pid: number): Promise<string | null> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => null))?.trim() ?? null;
}

export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}

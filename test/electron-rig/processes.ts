import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process for certain: numbers are used again, numbers with a start time are not. */
export interface ProcessMark {
  pid: number;
  startedAt: string;
}

interface ProcessLine extends ProcessMark {
  parent: number;
  state: string;
}

/** The process and all that descend from it now. */
export function processTree(root: number): ProcessMark[] {
  const lines = readProcesses();
  const found: ProcessLine[] = lines.filter(({ pid }) => pid === root);
  for (const parent of found) found.push(...lines.filter((line) => line.parent === parent.pid && !found.includes(line)));
  return found.map(({ pid, startedAt }) => ({ pid, startedAt }));
}

/** Processes, whoever their parent is by now, that name `word` in their command line. */
export function processesNaming(word: string): ProcessMark[] {
  return readProcesses()
    .filter(({ pid }) => pid !== process.pid && readText(`/proc/${pid}/cmdline`).includes(word))
    .map(({ pid, startedAt }) => ({ pid, startedAt }));
}

const POLL_MS = 20;

/** Waits for the end of all of them for `patienceMs`, then kills. Returns the ones that had to be killed. */
export async function endProcesses(marks: readonly ProcessMark[], patienceMs: number): Promise<ProcessMark[]> {
  const deadline = performance.now() + patienceMs;
  while (marks.some(isAlive) && performance.now() < deadline) await delay(POLL_MS);
  const stubborn = marks.filter(isAlive);
  for (const { pid } of stubborn) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended in this very moment.
    }
  }
  return stubborn;
}

export function isAlive({ pid, startedAt }: ProcessMark): boolean {
  const line = readProcess(pid);
  return line !== null && line.startedAt === startedAt && line.state !== 'Z';
}

function readProcesses(): ProcessLine[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

function readProcess(pid: number): ProcessLine | null {
  const text = readText(`/proc/${pid}/stat`);
  // The name in brackets may hold blanks and brackets; what follows the last one is plain (proc_pid_stat(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  const startedAt = fields[19];
  return state === undefined || startedAt === undefined ? null : { pid, state, parent: Number(parent), startedAt };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

export interface BrowserProcess {
  pid: number;
  /** Since boot, as everything here: it counts on in sleep and no wall clock moves it. */
  startedMs: number;
}

export interface ProcessTable {
  /** The first process of each running browser of these executables, and none of those that it starts for itself. */
  browsers(executables: readonly string[]): BrowserProcess[];
}

/** The kernel counts in 1/100 s for user space, on every processor that browsers exist for. */
const TICK_MS = 10;

interface Found extends BrowserProcess {
  parent: number;
  executable: string;
}

/** Looks at what each process runs; reads more only of those that run one of these. Rejects where `/proc` cannot be read. */
export async function readProcesses(procDir: string, executables: readonly string[]): Promise<ProcessTable> {
  const wanted = new Set(executables);
  const pids = (await readdir(procDir)).filter((name) => /^\d{1,10}$/.test(name));
  const found: Found[] = [];
  for (const pid of pids) {
    const one = await readProcess(`${procDir}/${pid}`, wanted);
    if (one) found.push({ ...one, pid: Number(pid) });
  }
  return {
    browsers(some) {
      const same = found.filter((one) => some.includes(one.executable));
      const own = new Set(same.map((one) => one.pid));
      return same.filter((one) => !own.has(one.parent)).map(({ pid, startedMs }) => ({ pid, startedMs }));
    },
  };
}

/** Null for a kernel thread, one that has just ended, and all that is no browser. */
async function readProcess(dir: string, wanted: ReadonlySet<string>): Promise<Omit<Found, 'pid'> | null> {
  const link = await readlink(`${dir}/exe`).catch(() => null);
  // An update replaces the file of a browser that still runs.
  const executable = link === null ? '' : basename(link.replace(/ \(deleted\)$/, ''));
  if (!wanted.has(executable)) return null;
  const stat = await readFile(`${dir}/stat`, 'latin1').catch(() => '');
  // The second field is a name in parentheses, which may hold anything; proc_pid_stat(5) counts from 1.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const parent = Number(fields[4 - 3]);
  const startedMs = Number(fields[22 - 3]) * TICK_MS;
  return Number.isFinite(parent) && Number.isFinite(startedMs) ? { parent, startedMs, executable } : null;
}

import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** Processes that work in a directory or were started for it. */
export async function processesOf(dir: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [cwd, command] = await Promise.all([
        readlink(`/proc/${pid}/cwd`).catch(() => ''),
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      ]);
      return cwd.startsWith(dir) || command.includes(dir) ? [`${pid} ${command.replaceAll('\0', ' ').trim()}`] : [];
    }),
  );
  return found.flat();
}

/** Files of a fleet that does not run, but for what PostgreSQL keeps by its own names. */
export async function filesOf(dir: string): Promise<string[]> {
  const all = await readdir(dir, { recursive: true });
  const inData = path.join('data', 'postgresql', 'data') + path.sep;
  const isKept = (name: string) => !name.startsWith(inData) && !name.startsWith('program') && !name.startsWith('node_modules');
  return all.filter((name) => isKept(name) || name === `${inData}postmaster.pid` || /pgsql_tmp\d/.test(name)).sort();
}

/** Shared memory of a PostgreSQL: what it maps of /dev/shm. */
export async function sharedMemoryOf(pid: number): Promise<string[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  return [...new Set(maps.match(/PostgreSQL\.\d+/g))];
}

export async function stillShared(names: ReadonlySet<string>): Promise<string[]> {
  return (await readdir('/dev/shm')).filter((name) => names.has(name));
}

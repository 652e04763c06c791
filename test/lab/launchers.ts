import { readFileSync } from 'node:fs';
import { parseStat } from './lab-name.ts';
import { statOf } from './namespaces.ts';

interface Launcher {
  pid: number;
  startTime: string;
}

const WATCH_EVERY_MS = 200;

/** The programs that may stand between npm and the lab: package.json's own, and tsx started by hand. */
const between = /\b(?:tsx|with-dependencies\.mjs)\b/;

/** npm, its shell and what `npm run` starts stand above this process when the lab is started by its script; who kills one of them means the lab. */
export function watchLaunchers(whenOneEnds: () => void): void {
  const launchers = findLaunchers(process.ppid);
  if (launchers.length === 0) return;
  const timer = setInterval(() => {
    if (launchers.every(isAlive)) return;
    clearInterval(timer);
    whenOneEnds();
  }, WATCH_EVERY_MS);
  timer.unref();
}

/** From `pid` up to npm. Without an npm above, those programs alone; other parents may leave, as `nohup` expects. */
function findLaunchers(pid: number): Launcher[] {
  const chain: (Launcher & { command: string })[] = [];
  for (let next = pid; next > 1; ) {
    const stat = parseStat(statOf(next) ?? '');
    if (!stat) break;
    const command = commandOf(next);
    chain.push({ pid: next, startTime: stat.startTime, command });
    if (/^npm /.test(command)) return chain;
    if (!between.test(command)) break;
    next = stat.parent;
  }
  return chain.filter(({ command }) => /^\S*node\S* /.test(command) && between.test(command));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function isAlive({ pid, startTime }: Launcher): boolean {
  const stat = parseStat(statOf(pid) ?? '');
  return stat !== null && stat.startTime === startTime && stat.state !== 'Z';
}

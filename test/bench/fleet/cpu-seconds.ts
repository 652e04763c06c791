import { readdirSync, readFileSync } from 'node:fs';

/** Of Linux, as every kernel of the last twenty years has it for programs. */
const TICKS_PER_SEC = 100;

interface Stat {
  parent: number;
  /** Its own, and that of children which it has waited for. */
  ticks: number;
  ended: number;
}

/** What a process and its children have used so far; null where there is no /proc. */
export function cpuSecondsBelow(pid: number): number | null {
  const top = statOf(pid);
  if (!top) return null;
  let ticks = top.ticks + top.ended;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat?.parent === pid) ticks += stat.ticks;
  }
  return ticks / TICKS_PER_SEC;
}

function statOf(pid: number): Stat | null {
  try {
    // After the program's name, which may hold spaces and brackets.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, parent = 0, ...rest] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user = 0, system = 0, userOfEnded = 0, systemOfEnded = 0] = rest.slice(9);
    return { parent, ticks: user + system, ended: userOfEnded + systemOfEnded };
  } catch {
    return null;
  }
}

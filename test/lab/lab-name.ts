/** `dw-<pid of the runner>-<its start time>-<number>`: the owner can be looked up, and a reused pid does not pass for it. */
export interface LabName {
  pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot. */
  startTime: string;
  number: number;
}

export function labId({ pid, startTime, number }: LabName): string {
  return `dw-${pid}-${startTime}-${number}`;
}

export function deskOf(id: string): string {
  return `${id}-desk`;
}

export function siteOf(id: string): string {
  return `${id}-site`;
}

/** Reads a lab directory's or a namespace's name; null for everything that is not a lab's. */
export function parseLabName(text: string): LabName | null {
  const found = /^dw-(\d+)-(\d+)-(\d+)(-desk|-site)?$/.exec(text);
  if (!found) return null;
  return { pid: Number(found[1]), startTime: found[2] as string, number: Number(found[3]) };
}

/** `stat` is the text of /proc/PID/stat. The command's name in it may hold spaces and parentheses. */
export function parseStat(stat: string): { state: string; parent: number; startTime: string } | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, startTime] = [fields[0], fields[1], fields[19]];
  if (!state || !parent || !startTime) return null;
  return { state, parent: Number(parent), startTime };
}

/** `stat` is null where no such process exists. A zombie has ended, although nobody has collected it yet. */
export function isStale(name: LabName, stat: string | null): boolean {
  const owner = stat === null ? null : parseStat(stat);
  if (!owner) return true;
  return owner.state === 'Z' || owner.state === 'X' || owner.startTime !== name.startTime;
}

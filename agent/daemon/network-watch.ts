import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Node has no netlink; iproute2's monitor prints a line for every change of a link, an address or a route. */
const ipPaths = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'];

/** A cable or a VPN that comes up changes a dozen things within a second or so: one look afterwards is enough. */
const SETTLE_MS = 1_500;
/** The monitor ends only when it is killed or the kernel's buffer overflows; it is started again, and not in a busy loop. */
const RESTART_MS = 5_000;

export interface NetworkWatch {
  /** False where there is nothing to watch with: then only the cadence of the rules notices a change. */
  readonly watching: boolean;
  stop(): void;
}

/** Calls back once after each burst of changes of this computer's network. */
export function watchNetwork(onChange: () => void, paths: readonly string[] = ipPaths): NetworkWatch {
  const tool = paths.find((path) => existsSync(path));
  if (!tool) return { watching: false, stop() {} };
  let child: ChildProcess | undefined;
  let settle: NodeJS.Timeout | undefined;
  let restart: NodeJS.Timeout | undefined;
  let stopped = false;
  const changed = () => {
    clearTimeout(settle);
    settle = setTimeout(onChange, SETTLE_MS);
  };
  const start = () => {
    const startedMs = performance.now();
    const isNews = createNewsFilter();
    child = spawn(tool, ['-o', 'monitor', 'link', 'address', 'route'], { stdio: ['ignore', 'pipe', 'ignore'], env: {} });
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => isNews(line) && changed());
    child.on('error', () => {});
    child.on('close', () => {
      if (stopped) return;
      // What happened while nobody listened is unknown. A monitor that never gets to listen says nothing of the network.
      if (performance.now() - startedMs >= RESTART_MS) changed();
      restart = setTimeout(start, RESTART_MS);
    });
  };
  start();
  return {
    watching: true,
    stop() {
      stopped = true;
      clearTimeout(settle);
      clearTimeout(restart);
      child?.kill('SIGKILL');
    },
  };
}

/** Everything but the lifetimes, which each router advertisement and each DHCP renewal sets anew. */
const LIFETIMES = /\\?\s+(valid_lft|preferred_lft|expires) \S+/g;
/** A link, an address on a link, or the destination of a route. */
const SUBJECT = /^(?:\d+: \S+(?:\s+inet6? \S+)?|(?:local|broadcast|multicast|anycast|unreachable|blackhole|prohibit) \S+|\S+)/;

/** False for a line that says of its subject what the one before it said: renewed addresses and wireless scans are no change. */
function createNewsFilter(): (line: string) => boolean {
  const known = new Map<string, string>();
  return (line) => {
    const said = line.replace(LIFETIMES, '');
    const isGone = said.startsWith('Deleted ');
    const subject = SUBJECT.exec(isGone ? said.slice('Deleted '.length) : said)?.[0] ?? '';
    if (isGone) {
      known.delete(subject);
      return true;
    }
    if (known.get(subject) === said) return false;
    known.set(subject, said);
    return true;
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

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
    child = spawn(tool, ['-o', 'monitor', 'link', 'address', 'route'], { stdio: ['ignore', 'pipe', 'ignore'], env: {} });
    child.stdout?.on('data', changed);
    child.on('error', () => {});
    child.on('close', () => {
      if (stopped) return;
      // What happened while nobody listened is unknown.
      changed();
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

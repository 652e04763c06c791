import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toolPath } from '../../build/debian-tools.ts';
import { siteOf } from './lab-name.ts';
import { type Listening, missingSockets, socketsSeenBy } from './sockets.ts';

export interface ServerSpec {
  name: string;
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** What it holds when it is ready. */
  listens: readonly Listening[];
}

interface RunningServer {
  name: string;
  pid: number;
  ended: boolean;
  logPath: string;
}

/** mitmproxy takes 0.7 s on an idle machine; this is a broken machine. */
const READY_WITHIN_MS = 20_000;
const POLL_MS = 10;

/** Starts the servers in the site and waits until each holds its sockets. */
export async function startServers(id: string, dir: string, specs: readonly ServerSpec[], signal: AbortSignal | undefined): Promise<void> {
  const running = specs.map((spec) => start(id, dir, spec));
  const witness = running[0];
  if (!witness) return;
  const wanted = specs.flatMap((spec) => spec.listens);
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const ended = running.find((server) => server.ended);
    if (ended) throw new Error(`${ended.name} ended while the lab was starting: ${logTail(ended)}`);
    // All share the namespace: what one sees, all hold.
    const missing = missingSockets(wanted, socketsSeenBy(witness.pid, join('/run/netns', siteOf(id))));
    if (missing.length === 0) return;
    signal?.throwIfAborted();
    if (performance.now() > deadline) {
      const places = missing.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`).join(', ');
      const logs = running.map((server) => `${server.name}: ${logTail(server)}`).join('\n');
      throw new Error(`nobody listens on ${places} after ${READY_WITHIN_MS} ms\n${logs}`);
    }
    await delay(POLL_MS);
  }
}

function start(id: string, dir: string, spec: ServerSpec): RunningServer {
  const logPath = join(dir, `${spec.name}.log`);
  const log = openSync(logPath, 'a');
  // `ip netns exec` becomes the server: the pid is its own. Detached, so that the terminal's Ctrl-C does not reach it.
  const child = spawn(toolPath('ip'), ['netns', 'exec', siteOf(id), ...spec.argv], {
    cwd: dir,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: dir, ...spec.env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  child.unref();
  const server: RunningServer = { name: spec.name, pid: child.pid ?? 0, ended: false, logPath };
  child.on('exit', () => {
    server.ended = true;
  });
  child.on('error', () => {
    server.ended = true;
  });
  return server;
}

function logTail({ logPath }: RunningServer): string {
  return readFileSync(logPath, 'utf8').trim().slice(-800) || 'it said nothing';
}

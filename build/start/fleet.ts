import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { repoRoot } from '../repo.ts';
import { attend } from './attend.ts';

const program = path.join(repoRoot, 'dist', 'fleet', 'deskwarden-fleet.js');
/** The first start makes a database, an authority and its keys: seconds on an idle machine. */
const READY_MS = 120_000;
const STOP_MS = 30_000;

export interface StartedFleet {
  /** Where desks of this machine reach it. */
  deviceUrl: string;
  consoleUrl: string;
  configPath: string;
  /** Runs `deskwarden-fleet` on its data. Resolves to the exit status and what it printed. */
  command(argv: readonly string[], options?: { show?: boolean }): Promise<{ code: number; out: string }>;
  /** Lets whoever can open `socketPath` connect to the desks' side, from whatever network namespace. */
  relay(socketPath: string): Promise<void>;
  stop(): Promise<void>;
}

export interface FleetPlace {
  /** Kept from one start to the next. */
  dir: string;
  instance: { alias: string; region: string };
  devicePort: number;
  consolePort: number;
  stop: AbortSignal;
  say: (line: string) => void;
}

/** Runs a fleet server for this machine alone, on loopback, with an embedded PostgreSQL. */
export async function startFleet({ dir, instance, devicePort, consolePort, stop, say }: FleetPlace): Promise<StartedFleet> {
  await mkdir(dir, { recursive: true });
  // PostgreSQL does not run as root: its own user must get through to its data.
  await chmod(dir, 0o755);
  const configPath = path.join(dir, 'fleet.yaml');
  const deviceUrl = `https://127.0.0.1:${devicePort}`;
  const consoleUrl = `https://127.0.0.1:${consolePort}`;
  await writeFile(
    configPath,
    `schema: 1
dataDir: ${path.join(dir, 'data')}
device:
  listen: { host: 127.0.0.1, port: ${devicePort} }
  url: ${deviceUrl}
console:
  listen: { host: 127.0.0.1, port: ${consolePort} }
  url: ${consoleUrl}
tenants:
  - slug: local
    name: This computer
    region: ${instance.region}
    instances: [{ alias: ${instance.alias}, region: ${instance.region} }]
    retention: standard
`,
  );
  const run = (argv: readonly string[], stdio: 'ignore' | 'pipe' | 'inherit') =>
    spawn(process.execPath, [program, ...argv, '--config', configPath], { stdio: ['ignore', 'pipe', stdio] });

  const server = run(['serve'], 'inherit');
  const ended = attend(server, stop, STOP_MS);
  await ready(server, ended, say);
  const relays: net.Server[] = [];
  return {
    deviceUrl,
    consoleUrl,
    configPath,
    async command(argv, { show = false } = {}) {
      const child = run(argv, 'inherit');
      let out = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        if (show) process.stdout.write(text);
      });
      return { code: await attend(child, stop, STOP_MS), out };
    },
    async relay(socketPath) {
      await rm(socketPath, { force: true });
      const relay = net.createServer((from) => pipeTo(from, net.connect(devicePort, '127.0.0.1')));
      await new Promise<void>((resolve, reject) => relay.on('error', reject).listen(socketPath, resolve));
      relays.push(relay);
    },
    async stop() {
      for (const relay of relays) relay.close();
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
      await ended;
    },
  };
}

export function isFresh(dir: string): boolean {
  return !existsSync(path.join(dir, 'data'));
}

function ready(server: ChildProcess, ended: Promise<number>, say: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the fleet server was not ready after ${READY_MS / 1_000} s`)), READY_MS);
    const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
    lines.on('line', (text) => {
      const line = read(text);
      if (line?.event === 'ready') {
        clearTimeout(timer);
        resolve();
      } else if (typeof line?.level === 'string' && ['warn', 'error', 'fatal'].includes(line.level)) {
        say(`fleet: ${String(line.event ?? '')} ${String(line.detail ?? line.msg ?? '')}`.trimEnd());
      }
    });
    void ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the fleet server ended with ${code}`));
    });
  });
}

function read(text: string): { event?: unknown; level?: unknown; detail?: unknown; msg?: unknown } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pipeTo(from: net.Socket, onward: net.Socket): void {
  from.pipe(onward).pipe(from);
  for (const socket of [from, onward]) {
    socket.on('error', () => {
      from.destroy();
      onward.destroy();
    });
  }
}

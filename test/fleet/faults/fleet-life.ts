import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { repoRoot } from '../../../build/repo.ts';
import { readPostmaster } from '../../../fleet/db/postmaster-file.ts';
import { feedText } from '../allowlist/feed-fixture.ts';
import { killServer } from '../db/stage-server.ts';

export interface LogLine {
  level: string;
  event: string;
  [name: string]: unknown;
}

export interface FleetLife {
  pid: number;
  lines: readonly LogLine[];
  stderr(): string;
  /** False when it ended before both listeners took calls. */
  ready: Promise<boolean>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** A directory for servers of one fleet: the shipped program, its configuration and its data. */
export interface FleetPlace {
  dir: string;
  dataDir: string;
  lives: readonly FleetLife[];
  /** Where desks reach replica 0, 1 ... */
  servers: readonly string[];
  start(replica?: number): FleetLife;
  command(...argv: string[]): Promise<{ code: number | null; out: string }>;
  /** One that desks enrol by at once. */
  ticket(uses: number): Promise<string>;
  clear(): Promise<void>;
}

export interface FleetPlaceSettings {
  replicas?: number;
  env?: Readonly<Record<string, string>>;
}

export async function openPlace({ replicas = 1, env = {} }: FleetPlaceSettings = {}): Promise<FleetPlace> {
  const dir = await mkdtemp(path.join(tmpdir(), 'dw-fleet-'));
  // Passed through by the account that PostgreSQL runs as.
  await chmod(dir, 0o711);
  const dataDir = path.join(dir, 'data');
  const program = path.join(dir, 'program', 'deskwarden-fleet.js');
  // A bundle made meanwhile would take the chunks away that the next start has yet to load.
  await cp(path.join(repoRoot, 'dist', 'fleet'), path.dirname(program), { recursive: true });
  await symlink(path.join(repoRoot, 'node_modules'), path.join(dir, 'node_modules'));
  await mkdir(path.join(dir, 'tmp'));
  const feed = path.join(dir, 'ip-ranges.json');
  await writeFile(feed, feedText('2026-08-22'));
  const servers: string[] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const [devicePort, consolePort] = await freePorts(2);
    servers.push(`https://127.0.0.1:${devicePort}`);
    await writeFile(
      path.join(dir, `fleet-${replica}.yaml`),
      `schema: 1
dataDir: ${dataDir}
device: { listen: { port: ${devicePort} }, url: "https://127.0.0.1:${devicePort}" }
console: { listen: { port: ${consolePort} }, url: "https://127.0.0.1:${consolePort}" }
allowlistFeed: ${feed}
tenants:
  - slug: acme
    name: Acme
    region: eu-central-1
    instances: [{ alias: acme, region: us-west-2 }]
    retention: standard
`,
    );
  }
  const lives: FleetLife[] = [];
  const run = (argv: readonly string[], replica: number) =>
    spawn(process.execPath, [program, ...argv, '--config', path.join(dir, `fleet-${replica}.yaml`)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, TMPDIR: path.join(dir, 'tmp'), ...env },
    });

  async function command(...argv: string[]) {
    const child = run(argv, 0);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out: code === 0 ? out : `${out}${err}` };
  }

  return {
    ...{ dir, dataDir, lives, servers, command },
    start(replica = 0) {
      const life = lifeOf(run(['serve'], replica));
      lives.push(life);
      return life;
    },
    async ticket(uses) {
      const { code, out } = await command('ticket', 'create', '--out', '-', '--uses', String(uses), '--approve', 'automatic');
      if (code !== 0) throw new Error(`ticket create ended with ${code}: ${out}`);
      return out.trim().split('.')[1] ?? '';
    },
    async clear() {
      await Promise.all(lives.map((life) => life.end('SIGKILL')));
      const left = await readPostmaster(path.join(dataDir, 'postgresql', 'data'));
      if (left) await killServer(left.pid);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function lifeOf(child: ReturnType<typeof spawn>): FleetLife {
  const lines: LogLine[] = [];
  let stderr = '';
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const said = new Promise<boolean>((resolve) => {
    if (!child.stdout) throw new Error('no standard output');
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = readLine(text);
      if (!line) return;
      lines.push(line);
      if (line.event === 'ready') resolve(true);
    });
  });
  return {
    ...{ pid: child.pid ?? 0, lines, ended, stderr: () => stderr },
    ready: Promise.race([said, ended.then(() => false)]),
    end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

/** The last line of a process that was killed may be a part of one. */
function readLine(text: string): LogLine | null {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return null;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  return Promise.all(
    held.map(async (server) => {
      const address = server.address();
      server.close();
      await once(server, 'close');
      return typeof address === 'object' && address ? address.port : 0;
    }),
  );
}

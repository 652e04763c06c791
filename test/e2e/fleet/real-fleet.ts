import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type StartedFleet, startFleet } from '../../../build/start/fleet.ts';
import type { DeskAnswer, DesksAnswer, TimelineAnswer } from '../../../contracts/console/desks.ts';
import { readFleetConfig } from '../../../fleet/config.ts';
import { readAuthority } from '../../../fleet/enrolment/authority/read-authority.ts';
import { openStoreBeside, type Store } from '../../../fleet/store.ts';
import { type Reply, send } from '../../fleet/running-server.ts';
import { signInByLink } from '../../fleet/signed-in.ts';
import { thisMachine } from '../../fleet/this-machine.ts';

const INSTANCE = { alias: 'acme', region: 'us-west-2' };
const WAIT_MS = 40_000;

/** Somebody who has signed in. */
export interface Caller {
  /** The answer's body. Rejects unless the call was answered with a 2xx. */
  ask<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: unknown): Promise<T>;
  /** As it is answered, whatever that is. */
  reply(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: unknown): Promise<Reply>;
}

/** The shipped server on its embedded database, with data of its own. */
export interface RealFleet {
  deviceUrl: string;
  devicePort: number;
  /** Lets desks in other network namespaces connect, by a relay of theirs to this socket. */
  relay(socketPath: string): Promise<void>;
  up(): Promise<void>;
  down(): Promise<void>;
  /** `deskwarden-fleet`. Rejects unless it ends with 0. */
  command(...argv: string[]): Promise<string>;
  /** Warnings and faults of the server, from all its starts. */
  complaints: readonly string[];
  signIn(name: string): Promise<Caller>;
  /** As a second process beside the server has it: what a newer replica, or a key's rotation, writes. */
  beside<T>(work: (store: Store) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openRealFleet(): Promise<RealFleet> {
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-e2e-fleet-'));
  const [devicePort, consolePort] = [await freePort(), await freePort()];
  const stop = new AbortController();
  const complaints: string[] = [];
  const place = { dir, instance: INSTANCE, devicePort, consolePort, stop: stop.signal, say: (line: string) => void complaints.push(line) };
  const sockets: string[] = [];
  let running: StartedFleet | null = await startFleet(place);
  const started = running;
  let ca: string | null = null;

  async function command(...argv: string[]): Promise<string> {
    const { code, out } = await started.command(argv);
    if (code !== 0) throw new Error(`deskwarden-fleet ${argv.join(' ')} ended with ${code}: ${out}`);
    return out;
  }

  async function beside<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStoreBeside({
      config: readFleetConfig(await readFile(started.configPath, 'utf8'), started.configPath),
      machine: thisMachine,
      resolveSecret: (reference) => Promise.reject(new Error(`no secret ${reference}`)),
      addressInEnvironment: null,
      now: () => new Date(),
      onFault: (what, detail) => complaints.push(`beside: ${what} ${detail}`),
    });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  /** Of the console's certificate. */
  async function authority(): Promise<string> {
    ca ??= await beside((store) => readAuthority(store.db));
    if (ca === null) throw new Error('no authority');
    return ca;
  }

  return {
    deviceUrl: started.deviceUrl,
    devicePort,
    async relay(socketPath) {
      sockets.push(socketPath);
      await running?.relay(socketPath);
    },
    async up() {
      running = await startFleet(place);
      for (const socket of sockets) await running.relay(socket);
    },
    async down() {
      await running?.stop();
      running = null;
    },
    command,
    complaints,
    async signIn(name) {
      const link = await command('admin', 'link', '--name', name);
      const trusted = await authority();
      const console = (ask: Parameters<typeof send>[2]) => send(consolePort, trusted, ask);
      const { cookie } = await signInByLink({ console, now: () => new Date() }, new URL(link.trim()).hash.slice(1));
      const reply: Caller['reply'] = (method, where, body) => console({ method, path: where, body, headers: { cookie } });
      return {
        reply,
        async ask<T>(...call: Parameters<typeof reply>) {
          const { status, text, body } = await reply(...call);
          if (status < 200 || status > 299) throw new Error(`${call[0]} ${call[1]}: ${status} ${text}`);
          return body as T;
        },
      };
    },
    beside,
    async close() {
      await running?.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

export async function listDesks(caller: Caller): Promise<DesksAnswer['items']> {
  return (await caller.ask<DesksAnswer>('GET', '/api/v1/desks')).items;
}

export function readDesk(caller: Caller, device: string): Promise<DeskAnswer> {
  return caller.ask('GET', `/api/v1/desks/${device}`);
}

/** The oldest first. */
export async function timelineOf(caller: Caller, device: string): Promise<TimelineAnswer['items']> {
  return (await caller.ask<TimelineAnswer>('GET', `/api/v1/desks/${device}/timeline?limit=200`)).items.toReversed();
}

/** Asks until there is an answer, whoever is not there yet; gives it, and how long it took. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  withinMs = WAIT_MS,
): Promise<{ value: T; tookMs: number }> {
  const startedMs = performance.now();
  for (;;) {
    let why: unknown;
    const value = await look().catch((error) => {
      why = error;
    });
    const tookMs = Math.round(performance.now() - startedMs);
    if (value !== null && value !== undefined && value !== false) return { value, tookMs };
    if (tookMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: why });
    await delay(100);
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FleetConfig } from '../../fleet/config.ts';
import { createKeyring } from '../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../fleet/crypto/local-key-provider.ts';
import { type Db, openDb } from '../../fleet/db/tenancy.ts';
import { readAuthority } from '../../fleet/enrolment/authority/read-authority.ts';
import { type Server, startServer } from '../../fleet/server.ts';
import type { Store } from '../../fleet/store.ts';
import { openTestDatabase, type TestDatabase, type TestDatabaseOptions } from './database.ts';

export interface Reply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
  /** Undefined where it is no JSON. */
  body: unknown;
}

export interface Ask {
  method?: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string or bytes as they are. */
  body?: unknown;
  /** Client certificate. */
  cert?: string;
  key?: string;
}

export interface RunningServer {
  store: Store;
  database: TestDatabase;
  server: Server;
  ca: string;
  tenant: string;
  instance: string;
  events: Readonly<Record<string, unknown> & { event: string }>[];
  console(ask: Ask): Promise<Reply>;
  device(ask: Ask): Promise<Reply>;
  close(): Promise<void>;
}

export interface RunningServerSettings extends TestDatabaseOptions {
  now?: () => Date;
  /** Beside another server, on its database and with its keys. */
  beside?: RunningServer;
  /** What the server reads and writes through, around its database. */
  through?: (db: Db) => Db;
  /** And what it opens transactions by while others wait. */
  throughInner?: (db: Db) => Db;
}

/** The server as it is shipped, but for its embedded database: a database of its own on the run's server, and free ports. */
export async function runServer(settings: RunningServerSettings = {}): Promise<RunningServer> {
  const { now = () => new Date(), beside, through = (db) => db, throughInner = (db) => db } = settings;
  const database = beside?.database ?? (await openTestDatabase(settings));
  const dir = beside?.store.config.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'deskwarden-fleet-')));
  const config = FleetConfig.parse({
    schema: 1,
    dataDir: dir,
    device: { listen: { port: 0 }, url: 'https://127.0.0.1:7443', names: ['localhost'] },
    console: { listen: { port: 0 }, url: 'https://127.0.0.1:8443' },
    tenants: [
      {
        slug: 'acme',
        name: 'Acme',
        region: 'eu-central-1',
        instances: [{ alias: 'acme', region: 'us-west-2' }],
        retention: 'standard',
      },
    ],
  });
  const open = (part: string, max: number) =>
    openDb({ url: database.appUrl, applicationName: `test ${part}`, max, onError: () => undefined });
  const [db, innerDb, keyDb] = [open('', 8), open('inner', 4), open('keys', 2)] as const;
  const keys = await openLocalKeyProvider({ dir: path.join(dir, 'keys'), clock: now });
  const keyring = createKeyring({ provider: keys, db: keyDb, clock: now });
  const keyChange = { provider: keys, db: keyDb, clock: now, principal: 'test', wipe: keyring.wipe };
  const store: Store = {
    config,
    db: through(db),
    innerDb: throughInner(innerDb),
    keyring,
    keys,
    keyChange,
    keyUpkeep: async () => {},
    now,
    close: async () => {},
  };
  const events: RunningServer['events'] = [];
  const server = await startServer({
    store,
    version: '0.0.0-test',
    assetsDir: path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
    feed: null,
    resolveSecret: () => Promise.reject(new Error('no secrets in tests')),
    event: (event) => void events.push(event),
  });
  const ca = (await readAuthority(db)) ?? '';
  const tenant = (await db.tenants())[0]?.id ?? '';
  const { instance_id: instance } = await db.within({ tenant }, (tx) =>
    tx.selectFrom('instance').select('instance_id').executeTakeFirstOrThrow(),
  );
  return {
    store,
    database,
    server,
    ca,
    tenant,
    instance,
    events,
    console: (ask) => send(server.consolePort, ca, ask),
    device: (ask) => send(server.devicePort, ca, ask),
    async close() {
      await server.stop();
      keyring.close();
      await Promise.all([db.end(), innerDb.end(), keyDb.end()]);
      if (beside) return;
      await database.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const ANSWER_MS = 20_000;

export function send(port: number, ca: string, { method = 'GET', path: where, headers = {}, body, cert, key }: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const raw = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const asked = request({
      host: '127.0.0.1',
      port,
      method,
      path: where,
      ca,
      ...(cert !== undefined && key !== undefined && { cert, key }),
      agent: false,
      timeout: ANSWER_MS,
      headers: {
        'x-deskwarden': '1',
        ...(raw !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(raw)) }),
        ...headers,
      },
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${where}`)));
    asked.on('error', reject);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) });
      });
    });
    asked.end(raw);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

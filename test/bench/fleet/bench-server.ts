// The server as it is shipped, in a process of its own, on an embedded PostgreSQL that syncs what it commits. Says where it listens, and
// tells its parent what it and its database have used. Argument: an empty directory, which the parent removes.
import { createRequire } from 'node:module';
import path from 'node:path';
import { FleetConfig } from '../../../fleet/config.ts';
import { openEmbedded } from '../../../fleet/db/embedded.ts';
import { readAuthority } from '../../../fleet/enrolment/authority/read-authority.ts';
import { startServer } from '../../../fleet/server.ts';
import { openStore } from '../../../fleet/store.ts';
import { thisMachine } from '../../fleet/this-machine.ts';
import { type BenchTenant, fillTenant } from './bench-tenant.ts';
import { cpuSecondsBelow } from './cpu-seconds.ts';

export interface Ready {
  devicePort: number;
  consolePort: number;
  ca: string;
  ownerUrl: string;
  adminUrl: string;
  scope: { tenant: string; instance: string };
  /** Beside the device port's own: a ticket is made through the API. */
  filled: BenchTenant;
}

export interface Used {
  server: number;
  /** Null where the system does not tell. */
  postgres: number | null;
}

const [dir = '', simulated = '0'] = process.argv.slice(2);
const event = (told: { event: string }) => {
  if (told.event === 'fault' || told.event === 'denied') console.error(JSON.stringify(told));
};
const embedded = await openEmbedded({ dir: path.join(dir, 'pg'), machine: thisMachine, durable: true });
const store = await openStore({
  config: FleetConfig.parse({
    schema: 1,
    dataDir: dir,
    device: { listen: { port: 0 }, url: 'https://127.0.0.1:7443', names: ['localhost'] },
    console: { listen: { port: 0 }, url: 'https://127.0.0.1:8443' },
    tenants: [
      { slug: 'acme', name: 'Acme', region: 'eu-central-1', instances: [{ alias: 'acme', region: 'us-west-2' }], retention: 'standard' },
    ],
  }),
  machine: thisMachine,
  resolveSecret: () => Promise.reject(new Error('no secrets here')),
  addressInEnvironment: { appUrl: embedded.appUrl, ownerUrl: embedded.ownerUrl },
  now: () => new Date(),
  onFault: (what, detail) => console.error(what, detail),
});
const server = await startServer({
  store,
  version: '0.0.0-bench',
  assetsDir: path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
  feed: null,
  resolveSecret: () => Promise.reject(new Error('no secrets here')),
  event,
});
const [{ id: tenant = '' } = {}] = await store.db.tenants();
const { instance_id: instance } = await store.db.within({ tenant }, (tx) =>
  tx.selectFrom('instance').select('instance_id').executeTakeFirstOrThrow(),
);
const scope = { tenant, instance };
const { devicePort, consolePort } = server;
const { ownerUrl, adminUrl } = embedded;
const filled = await fillTenant(store, scope, Number(simulated));
const ca = (await readAuthority(store.db)) ?? '';
process.send?.({ devicePort, consolePort, ca, ownerUrl, adminUrl, scope, filled } satisfies Ready);

process.on('message', (asked: 'used' | 'stop') => {
  if (asked === 'stop') return void stop();
  const { user, system } = process.cpuUsage();
  process.send?.({ server: (user + system) / 1e6, postgres: cpuSecondsBelow(embedded.pid) } satisfies Used);
});
process.on('disconnect', () => void stop());

let isStopping = false;
async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await server.stop();
  await store.close();
  await embedded.stop();
  process.exit(0);
}

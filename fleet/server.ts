import { readFile } from 'node:fs/promises';
import type { Server as HttpsServer } from 'node:https';
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { runAllowlistJob } from './allowlist/job.ts';
import type { FeedSource } from './allowlist/read-feed.ts';
import { type App, buildApp } from './app.ts';
import type { Link } from './audit/chain.ts';
import { nameOf, signCheckpoints } from './audit/checkpoint.ts';
import { watchOutage } from './db/outage.ts';
import { openServerCertificate, type RenewedCertificate, type ServerCertificate } from './enrolment/authority/server-certificate.ts';
import { serveApiDocs } from './http/api-docs.ts';
import { createMetrics, serveHealth } from './http/health.ts';
import { closeQuiet, createListener, type ListenerKind } from './http/listener.ts';
import type { Route } from './http/route.ts';
import { runRetention } from './retention/job.ts';
import type { OidcSettings } from './sign-in/oidc-claims.ts';
import type { Store } from './store.ts';
import { ensureTenants } from './tenants.ts';

export interface ServerSettings {
  store: Store;
  version: string;
  /** Of the documentation page. */
  assetsDir: string;
  feed: FeedSource | null;
  resolveSecret(reference: string): Promise<string>;
  event(event: Readonly<Record<string, unknown> & { event: string }>): void;
}

export interface Server {
  devicePort: number;
  consolePort: number;
  /** What it answers. */
  routes: readonly Route[];
  /** Takes nothing new, answers what it has taken, and lets go. */
  stop(): Promise<void>;
}

/** Jobs look for themselves whether another replica has done their work. A key that is back is to be used within a minute. */
const JOBS_MS = 60_000;
const KEYS_MS = 10_000;
/** Longer than any call may take; whoever waits then still is cut. */
const DRAIN_MS = 40_000;
/** How often it is looked, while that lasts, for connections that are done. */
const QUIET_MS = 250;

export async function startServer({ store, version, assetsDir, feed, resolveSecret, event }: ServerSettings): Promise<Server> {
  const { config, db, now } = store;
  const stopping = new AbortController();
  const metrics = createMetrics();
  const onFault = (what: string, detail: string) => event({ event: 'fault', what, detail });
  const outage = watchOutage({
    db,
    now,
    onAway: (detail) => onFault('database', `does not answer: ${detail}`),
    onBack: (back) => event({ event: 'database-back', ...back }),
  });
  const onJobFault = (what: string) => (error: unknown) => {
    if (!outage.notices(error)) onFault(what, String(error));
  };
  for (const { slug, made } of await ensureTenants(db, config.tenants)) if (made) event({ event: 'tenant-made', slug });
  const oidcOf = await readOidc(store, resolveSecret);
  const app = await buildApp({
    store,
    metrics,
    feed,
    oidcOf,
    stop: stopping.signal,
    outage,
    onFault,
    onDenied: (detail) => event({ event: 'denied', detail }),
  });

  const closers: (() => unknown)[] = [() => outage.stop()];
  const listeners: FastifyInstance[] = [];
  const [device, consoleListener] = await listen().catch(async (error) => {
    // What still listened would keep the process alive, and desks waiting for it.
    await Promise.allSettled(listeners.map((one) => one.close()));
    for (const close of closers) close();
    await app.close();
    throw error;
  });
  const jobs = runJobs(app);
  // Another replica may have rotated the signing key.
  const refresh = setInterval(() => void app.issuing.keys.refresh().catch(onJobFault('signing keys')), KEYS_MS).unref();
  closers.push(() => clearInterval(refresh));
  const [devicePort, consolePort] = [portOf(device), portOf(consoleListener)];
  event({ event: 'ready', version, device: config.device.url, devicePort, console: config.console.url, consolePort });

  return {
    devicePort,
    consolePort,
    routes: app.routes,
    async stop() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      event({ event: 'stopping' });
      const cut = setTimeout(() => {
        for (const one of listeners) one.server.closeAllConnections();
      }, DRAIN_MS);
      await app.intake.stop();
      const quiet = setInterval(() => listeners.forEach(closeQuiet), QUIET_MS);
      await Promise.all(listeners.map((one) => one.close()));
      clearInterval(quiet);
      clearTimeout(cut);
      await jobs.stop();
      await app.close();
      for (const close of closers) close();
      event({ event: 'stopped' });
    },
  };

  async function listen(): Promise<[FastifyInstance, FastifyInstance]> {
    const forDesks = await openListener('device', [new URL(config.device.url).hostname, ...config.device.names]);
    app.mount('device', forDesks);
    const forPeople = await openListener('console', [new URL(config.console.url).hostname], config.console.certificate);
    await serveApiDocs(forPeople, { version, assetsDir });
    app.mount('console', forPeople);
    serveHealth(forPeople, { metrics, metricsFrom: config.console.metricsFrom, notReady });
    await forDesks.listen(config.device.listen);
    await forPeople.listen(config.console.listen);
    return [forDesks, forPeople];
  }

  async function openListener(
    kind: ListenerKind,
    names: readonly string[],
    given?: { chain: string; key: string },
  ): Promise<FastifyInstance> {
    if (given) {
      const [cert, key] = await Promise.all([readFile(given.chain, 'utf8'), readFile(given.key, 'utf8')]);
      return added(createListener(kind, { cert, key }));
    }
    let listener: FastifyInstance | null = null;
    const certificate: RenewedCertificate = await openServerCertificate({
      authority: app.enrolment.authority,
      names: [...new Set(names.map((name) => name.replace(/^\[|\]$/g, '')))].filter((name) => isIP(name) !== 0 || name !== ''),
      now,
      onRenew: (renewed: ServerCertificate) =>
        (listener?.server as HttpsServer | undefined)?.setSecureContext({ ...renewed, minVersion: 'TLSv1.2' }),
      onFault: (error) => onFault('certificate', String(error)),
    });
    closers.push(() => certificate.close());
    listener = added(createListener(kind, certificate.current()));
    return listener;
  }

  function added(listener: FastifyInstance): FastifyInstance {
    listeners.push(listener);
    return listener;
  }

  async function notReady(): Promise<string | null> {
    if (stopping.signal.aborted) return 'stopping';
    return db.tenants().then(
      () => null,
      () => 'the database does not answer',
    );
  }

  function runJobs({ allowlist, issuing: { keys } }: App): { stop(): Promise<void> } {
    let running: Promise<unknown> = Promise.resolve();
    const look = () => {
      running = running.then(async () => {
        if (stopping.signal.aborted) return;
        await store.keyUpkeep().catch(onJobFault('keys'));
        if (allowlist) await runAllowlistJob(allowlist, { stop: stopping.signal }).catch(onJobFault('allowlist'));
        await runRetention({ db, now, stop: stopping.signal }).catch(onJobFault('retention'));
        const onSigned = (tenant: string, link: Link) => event({ event: 'audit-signed', tenant, head: nameOf(link) });
        await signCheckpoints({ db, now, keys, stop: stopping.signal, onSigned }).catch(onJobFault('audit'));
      });
    };
    look();
    const timer = setInterval(look, JOBS_MS).unref();
    return {
      async stop() {
        clearInterval(timer);
        await running;
      },
    };
  }
}

async function readOidc({ config, db }: Store, resolveSecret: (reference: string) => Promise<string>) {
  const slugs = new Map((await db.tenants()).map(({ id, slug }) => [id, slug]));
  return async (tenant: string): Promise<OidcSettings | null> => {
    const found = config.oidc.find((one) => one.tenant === slugs.get(tenant));
    if (!found) return null;
    const { tenant: _, clientSecret, ...rest } = found;
    return { ...rest, clientSecret: await resolveSecret(clientSecret) };
  };
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

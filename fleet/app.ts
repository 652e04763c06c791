import type { FastifyInstance } from 'fastify';
import { bundledAllowlist } from '../checks/allowlist/bundled.ts';
import { catalog } from '../checks/catalog.ts';
import { nobodyIn } from './access/actor.ts';
import { loadActor } from './access/load-actor.ts';
import { accessRoutes } from './access/routes.ts';
import { createFeedMemory } from './allowlist/feed-memory.ts';
import type { AllowlistJobDeps } from './allowlist/job.ts';
import type { FeedSource } from './allowlist/read-feed.ts';
import { allowlistRoutes } from './allowlist/routes.ts';
import { appendAudit } from './audit/append.ts';
import { auditRoutes } from './audit/routes.ts';
import { sealSource } from './audit/source.ts';
import { encryptionRoutes } from './crypto/routes.ts';
import type { Outage } from './db/outage.ts';
import { deskRoutes } from './desks/routes.ts';
import { latestRevisions, type OrderDeps } from './documents/desk-orders.ts';
import { issueDocument } from './documents/issue.ts';
import { documentRoutes } from './documents/routes.ts';
import { openSigningKeys } from './documents/signing-keys.ts';
import { tellUnreadable } from './documents/unreadable-policy.ts';
import { signingThread } from './enrolment/authority/signing-thread.ts';
import { type Enrolment, openEnrolment } from './enrolment/enrolment.ts';
import { type FrameDeps, mount } from './http/frame.ts';
import type { Metrics } from './http/health.ts';
import { identifyDevice, identifyPerson } from './http/identify.ts';
import type { Route } from './http/route.ts';
import { createIntake, type Intake } from './intake/intake.ts';
import { intakeRoutes } from './intake/routes.ts';
import { publishRoutes } from './policies/publish-routes.ts';
import { revisionRoutes } from './policies/revision-routes.ts';
import { currentAllowlist } from './rejudge/desk-basis.ts';
import { rejudgeRoutes } from './rejudge/routes.ts';
import { ringRoutes } from './rings/routes.ts';
import type { OidcSettings } from './sign-in/oidc-claims.ts';
import { createOidcProviders } from './sign-in/oidc-provider.ts';
import { createPasswords } from './sign-in/password.ts';
import { signInRoutes } from './sign-in/routes.ts';
import type { Store } from './store.ts';
import { waiverRoutes } from './waivers/routes.ts';

export interface AppSettings {
  store: Store;
  metrics: Metrics;
  feed: FeedSource | null;
  /** Null: the tenant signs in by local accounts alone. */
  oidcOf(tenant: string): Promise<OidcSettings | null>;
  /** The server stops. */
  stop: AbortSignal;
  outage: Outage;
  onFault(what: string, detail: string): void;
  onDenied(detail: string): void;
}

/** Everything the server does, before it listens. */
export interface App {
  enrolment: Enrolment;
  intake: Intake;
  issuing: OrderDeps;
  allowlist: AllowlistJobDeps | null;
  routes: readonly Route[];
  mount(listener: 'device' | 'console', onto: FastifyInstance): void;
  close(): Promise<void>;
}

export async function buildApp({ store, metrics, feed, oidcOf, stop, outage, onFault, onDenied }: AppSettings): Promise<App> {
  const { db, innerDb, keyring, now, config } = store;
  const keys = await openSigningKeys({ db: innerDb, keyring, now });
  const onUnreadable = tellUnreadable({ now, count: () => metrics.unreadable.inc(), say: (line) => onFault('policy', line) });
  const issuing: OrderDeps = { keys, keyring, now, onUnreadable };
  const enrolment = await openEnrolment({
    db: innerDb,
    keyring,
    now,
    signingKeys: async () => keys.trusted(),
    thread: signingThread(),
    onDenied: ({ kind, because, until }) => onDenied(`${kind} for ${because} until ${until.toISOString()}`),
    onFault: (error) => onFault('abuse', messageOf(error)),
  });
  const intake = createIntake({
    db,
    now,
    knownChecks: new Set(catalog.map(({ id }) => id)),
    evidenceKey: (tx, scope) => keyring.key(tx, scope, 'evidence'),
    appendAudit,
    latestRevisions: (tx, { instance }, desks) => latestRevisions(issuing, tx, instance, desks),
    onRetry: (error) => onFault('intake', messageOf(error)),
    onSealedRefused: () => metrics.sealedRefused.inc(),
  });
  const allowlist: AllowlistJobDeps | null = feed && {
    db: innerDb,
    now,
    source: feed,
    shipped: bundledAllowlist,
    memory: createFeedMemory(),
    issue: (tx, instance, content) => issueDocument(issuing, tx, instance, content),
  };
  const running = new Set<Promise<void>>();
  const beside = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  const consoleOrigin = new URL(config.console.url).origin;
  const routes: Route[] = [
    ...enrolment.routes,
    ...intakeRoutes({ intake }),
    ...documentRoutes(issuing),
    ...accessRoutes({ keyring }),
    ...deskRoutes({ db, keyring, now }),
    ...ringRoutes({ keyring }),
    ...revisionRoutes({ allowlistOf: (tx, instance) => currentAllowlist(tx, instance, bundledAllowlist) }),
    ...publishRoutes(issuing),
    ...waiverRoutes(issuing),
    ...(allowlist ? allowlistRoutes(allowlist) : []),
    ...rejudgeRoutes({
      db: innerDb,
      keyring,
      now,
      shipped: bundledAllowlist,
      stop,
      beside,
      onFault: (error) => onFault('preview', messageOf(error)),
    }),
    ...auditRoutes({ keyring }),
    ...encryptionRoutes(store.keyChange),
    ...signInRoutes({
      db: innerDb,
      keyring,
      consoleOrigin,
      passwords: createPasswords(),
      providers: createOidcProviders(now),
      settingsOf: oidcOf,
      abuse: enrolment.guard,
    }),
  ];

  const frame: Omit<FrameDeps, 'identify'> = {
    db,
    now,
    async actorOf(tx, { tenant, account, session, mfaAt }) {
      if (account === null) return nobodyIn(tenant);
      return (await loadActor(tx, account, session === null ? null : { id: session, mfaAt })) ?? nobodyIn(tenant);
    },
    async appendAudit(tx, tenant, record, source) {
      await appendAudit(tx, tenant, record, await sealSource(keyring, tx, tenant, record.eventId, source));
    },
    onFault({ requestId, route, error }) {
      metrics.faults.inc({ where: route });
      // Where the outage is said, the stacks of all that it refuses say no more.
      const said = error instanceof Error && !outage.notices(error) ? (error.stack ?? error.message) : messageOf(error);
      onFault('request', `${requestId} ${route}: ${said}`);
    },
  };
  const identify = {
    device: identifyDevice(enrolment.gate),
    console: identifyPerson({ db, guard: enrolment.guard, now, origins: [consoleOrigin] }),
  };

  const mounted: ReturnType<typeof mount>[] = [];
  return {
    enrolment,
    intake,
    issuing,
    allowlist,
    routes,
    mount(listener, onto) {
      onto.addHook('onResponse', async (request, reply) => {
        metrics.observe(listener, request.routeOptions.url ?? '*', reply.statusCode, reply.elapsedTime / 1_000);
      });
      const own = routes.filter((route) => route.listener === listener);
      mounted.push(mount(onto, own, { ...frame, identify: identify[listener] }));
    },
    async close() {
      for (const { settled } of mounted) await settled();
      await Promise.allSettled(running);
      await intake.stop();
      await enrolment.close();
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { scrypt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Fastify, { type FastifyInstance } from 'fastify';
import { Secret, TOTP } from 'otpauth';
import type { AuditRecord } from '../../../contracts/console/audit.ts';
import { nobodyIn } from '../../../fleet/access/actor.ts';
import { seedDefaultProfiles } from '../../../fleet/access/default-profiles.ts';
import { loadActor } from '../../../fleet/access/load-actor.ts';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { auditRoutes } from '../../../fleet/audit/routes.ts';
import { sealSource } from '../../../fleet/audit/source.ts';
import { createKeyring, type Keyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { type Db, NIL_ID, openDb } from '../../../fleet/db/tenancy.ts';
import { createAbuseGuard } from '../../../fleet/enrolment/abuse/abuse-guard.ts';
import { createDenyList } from '../../../fleet/enrolment/abuse/deny-list.ts';
import { mount } from '../../../fleet/http/frame.ts';
import { identifyPerson } from '../../../fleet/http/identify.ts';
import { addAccount, profilesByName } from '../../../fleet/sign-in/account.ts';
import { createAdminLink } from '../../../fleet/sign-in/link.ts';
import type { OidcSettings } from '../../../fleet/sign-in/oidc-claims.ts';
import { createOidcProviders } from '../../../fleet/sign-in/oidc-provider.ts';
import { createPasswords } from '../../../fleet/sign-in/password.ts';
import { signInRoutes } from '../../../fleet/sign-in/routes.ts';
import { addTenant, openTestDatabase } from '../database.ts';

export const CONSOLE = 'https://console.example.com';
export const PASSWORD = 'correct horse battery staple';

export interface Stage {
  app: FastifyInstance;
  db: Db;
  keyring: Keyring;
  tenant: string;
  now(): Date;
  advance(ms: number): void;
  /** How often a password was worked on. */
  scrypts(): number;
  /** Of the tenant's identity provider; null: has none. */
  oidc: { settings: OidcSettings | null };
  faults: unknown[];
  post(url: string, body: unknown, cookie?: string): Promise<Answer>;
  get(url: string, cookie?: string): Promise<Answer>;
  link(user: string): Promise<string>;
  addOidcAccount(name: string): Promise<string>;
  giveProfiles(account: string, names: readonly string[]): Promise<void>;
  records(tenant?: string): Promise<AuditRecord[]>;
  /** From nothing to a session with a second factor. */
  enrol(user: string): Promise<{ account: string; cookie: string; firstCookie: string; code(): string }>;
  close(): Promise<void>;
}

export interface Answer {
  status: number;
  body: { error?: { code: string } } & Record<string, unknown>;
  cookie: string | null;
  setCookies: string[];
  location: string | null;
}

const scryptOf = promisify<string, Buffer, number, object, Buffer>(scrypt);

export async function openStage(): Promise<Stage> {
  const database = await openTestDatabase();
  const { db } = database;
  const keysDb = openDb({ url: database.appUrl, applicationName: 'test-keys', max: 4, onError: () => undefined });
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-sign-in-'));
  let passedMs = 0;
  let scrypts = 0;
  const now = () => new Date(Date.now() + passedMs);
  const keyring = createKeyring({ provider: await openLocalKeyProvider({ dir, clock: now }), db: keysDb, clock: now });
  const faults: unknown[] = [];
  const abuse = createAbuseGuard({
    db,
    denyList: createDenyList({ db, now }),
    now,
    onDenied: () => undefined,
    onFault: (fault) => void faults.push(fault),
  });
  const passwords = createPasswords((password, salt, length, options) => {
    scrypts += 1;
    // The cost itself is proven elsewhere; here it would only take time.
    return scryptOf(password, salt, length, { ...options, N: 2 ** 4 });
  });
  const { tenant } = await addTenant(db, { slug: 'acme' });
  await db.within({ tenant }, (tx) => seedDefaultProfiles(tx, tenant));
  const oidc: Stage['oidc'] = { settings: null };

  const app = Fastify();
  const routes = [
    ...signInRoutes({
      db,
      keyring,
      passwords,
      abuse,
      consoleOrigin: CONSOLE,
      providers: createOidcProviders(now),
      settingsOf: async () => oidc.settings,
    }),
    ...auditRoutes({ keyring }),
  ];
  mount(app, routes, {
    db,
    now,
    identify: identifyPerson({ db, guard: abuse, now, origins: [CONSOLE] }),
    async actorOf(tx, { tenant: of, account, session, mfaAt }) {
      if (account === null) return nobodyIn(of);
      return (await loadActor(tx, account, session === null ? null : { id: session, mfaAt })) ?? nobodyIn(of);
    },
    appendAudit: async (tx, of, record, source) => appendAudit(tx, of, record, await sealSource(keyring, tx, of, record.eventId, source)),
    onFault: ({ error }) => void faults.push(error),
  });
  await app.ready();

  async function call(method: 'GET' | 'POST', url: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
    const reply = await app.inject({ method, url, headers, ...(body !== undefined && { payload: body as object }) });
    const setCookies = [reply.headers['set-cookie'] ?? []].flat();
    const session = setCookies.find((text) => text.startsWith('__Host-deskwarden='));
    const value = session?.split(';')[0];
    return {
      status: reply.statusCode,
      body: reply.body === '' ? {} : reply.json(),
      cookie: value === undefined || value.endsWith('=') ? null : value,
      setCookies,
      location: reply.headers.location ?? null,
    };
  }

  const stage: Stage = {
    app,
    db,
    keyring,
    tenant,
    now,
    advance(ms) {
      passedMs += ms;
    },
    scrypts: () => scrypts,
    oidc,
    faults,
    post: (url, body, cookie) => call('POST', url, body, { origin: CONSOLE, ...(cookie !== undefined && { cookie }) }),
    get: (url, cookie) => call('GET', url, undefined, { ...(cookie !== undefined && { cookie }) }),
    async link(user) {
      const made = await db.within({ tenant }, (tx) => createAdminLink(tx, keyring, { tenant, user, now: now() }));
      if (!made) throw new Error(`no link for ${user}`);
      return made.token;
    },
    async addOidcAccount(name) {
      const id = await db.within({ tenant }, (tx) => addAccount(tx, keyring, tenant, { kind: 'oidc', name, profiles: [] }, now()));
      if (id === null) throw new Error(`${name} is taken`);
      return id;
    },
    giveProfiles: (account, names) =>
      db.within({ tenant }, async (tx) => {
        await tx.deleteFrom('account_profile').where('account_id', '=', account).execute();
        const rows = (await profilesByName(tx, names)).map(({ id }) => ({
          tenant_id: tenant,
          instance_id: NIL_ID,
          account_id: account,
          profile_id: id,
        }));
        await tx.insertInto('account_profile').values(rows).execute();
      }),
    records: (of = tenant) =>
      db.within({ tenant: of }, async (tx) => {
        const rows = await tx.selectFrom('audit_record').select('record').orderBy('seq').execute();
        return rows.map(({ record }) => JSON.parse(record) as AuditRecord);
      }),
    async enrol(user) {
      const first = await stage.post('/api/v1/sign-in/link', { token: await stage.link(user), password: PASSWORD });
      const offer = await stage.post('/api/v1/sign-in/second-factor/offer', undefined, first.cookie ?? '');
      const totp = new TOTP({ secret: Secret.fromBase32(String(offer.body.secret)) });
      const code = () => totp.generate({ timestamp: now().getTime() });
      const raised = await stage.post('/api/v1/sign-in/second-factor', { code: code() }, first.cookie ?? '');
      const whoAmI = await stage.get('/api/v1/session', raised.cookie ?? '');
      const { id } = whoAmI.body.account as { id: string };
      // The step is used up.
      stage.advance(60_000);
      return { account: id, cookie: raised.cookie ?? '', firstCookie: first.cookie ?? '', code };
    },
    async close() {
      await app.close();
      await abuse.settled();
      keyring.close();
      await keysDb.end();
      await database.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return stage;
}

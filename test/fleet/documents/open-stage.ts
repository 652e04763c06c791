import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type OrderBook, openOrderBook } from '../../../agent/daemon/order-book.ts';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import type { Revisions } from '../../../contracts/fleet-api.ts';
import type { DocumentKind } from '../../../contracts/signed-document.ts';
import { type Actor, operatorOf } from '../../../fleet/access/actor.ts';
import { createKeyring, type OpenKeyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { type Db, openDb, type Tx } from '../../../fleet/db/tenancy.ts';
import { documentsFor, latestRevisions, type OrderDeps } from '../../../fleet/documents/desk-orders.ts';
import { type DocumentInstance, readInstance } from '../../../fleet/documents/document-rows.ts';
import { openSigningKeys } from '../../../fleet/documents/signing-keys.ts';
import type { UnreadablePolicy } from '../../../fleet/documents/unreadable-policy.ts';
import { releaseSecretPlace } from '../../../fleet/enrolment/enrol.ts';
import { assignPolicy } from '../../../fleet/policies/assign.ts';
import { publishRevision } from '../../../fleet/policies/publish.ts';
import { readPolicyText, refuseProblems, storeRevision } from '../../../fleet/policies/revisions.ts';
import { fakeClock } from '../../fakes/fake-clock.ts';
import { addTenant, openTestDatabase } from '../database.ts';

const startAt = new Date('2026-03-01T10:00:00.000Z');

export interface Stage {
  tenant: string;
  instance: DocumentInstance;
  deps: OrderDeps;
  keyring: OpenKeyring;
  /** That heartbeats came upon. */
  unreadable: UnreadablePolicy[];
  operator: Actor;
  appUrl: string;
  keyDir: string;
  now(): Date;
  advance(ms: number): void;
  within<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** A server of its own on the same database: its own pool and signing keys. */
  replica(): Promise<{ deps: OrderDeps; db: Db }>;
  addGroup(name: string, parent?: string): Promise<string>;
  addAccount(group: string | null, name?: string): Promise<string>;
  addDesk(place?: { group?: string | null; owner?: string | null; tags?: Record<string, string> }): Promise<string>;
  /** Stores and publishes, where no desk is reached or nothing blocks more. */
  publish(id: string, rest?: string): Promise<number>;
  draft(id: string, rest?: string): Promise<number>;
  assign(policy: string, target: Parameters<typeof assignPolicy>[2]['target'], priority: number): Promise<string>;
  close(): Promise<void>;
}

export function policyText(id: string, rest = ''): string {
  return `schema: 1\nid: ${id}\ninstance: { alias: acme, region: us-west-2 }\n${rest}`;
}

/** One Connect instance of one tenant on a fresh database, with a keyring on key files and the deployment's first signing key. */
export async function openStage(): Promise<Stage> {
  const database = await openTestDatabase();
  const keysDb = openDb({ url: database.appUrl, applicationName: 'test-keys', max: 3, onError: () => undefined });
  const keyDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-documents-'));
  const clock = fakeClock(startAt.toISOString());
  const now = () => new Date(clock.wallMs());
  const keyring = createKeyring({ provider: await openLocalKeyProvider({ dir: keyDir, clock: now }), db: keysDb, clock: now });
  const { tenant, instance: id } = await addTenant(database.db, { alias: 'acme', region: 'us-west-2' });
  const within = <T>(work: (tx: Tx) => Promise<T>) => database.db.within({ tenant }, work);
  const instance = await within((tx) => readInstance(tx, id));
  if (!instance) throw new Error('no instance');
  const unreadable: UnreadablePolicy[] = [];
  const onUnreadable = (error: UnreadablePolicy) => void unreadable.push(error);
  const deps: OrderDeps = { keys: await openSigningKeys({ db: database.db, keyring, now }), keyring, now, onUnreadable };
  const replicas: Db[] = [];
  const facts = { checks: catalog, allowlist: bundledAllowlist };
  const base = { tenant_id: tenant, instance_id: id };

  async function draft(policy: string, rest = ''): Promise<number> {
    const source = policyText(policy, rest);
    const read = readPolicyText(source, { alias: 'acme', region: 'us-west-2' }, facts, policy);
    if (!read.ok) throw refuseProblems(read.problems);
    const { file } = read;
    const stored = await within((tx) =>
      storeRevision(tx, instance as DocumentInstance, { file, source, checks: catalog, by: null, now: now() }),
    );
    return stored.revision;
  }

  return {
    tenant,
    instance,
    deps,
    keyring,
    unreadable,
    operator: operatorOf(tenant),
    appUrl: database.appUrl,
    keyDir,
    now,
    advance: (ms) => clock.advance(ms),
    within,
    async replica() {
      const db = openDb({ url: database.appUrl, applicationName: 'test-replica', max: 3, onError: () => undefined });
      replicas.push(db);
      return { db, deps: { keys: await openSigningKeys({ db, keyring, now }), keyring, now, onUnreadable } };
    },
    async addGroup(name, parent) {
      const group = randomUUID();
      await within(async (tx) => {
        const above = parent && (await tx.selectFrom('hierarchy_group').selectAll().where('id', '=', parent).executeTakeFirstOrThrow());
        const path = [...(above ? above.path : []), group];
        await tx
          .insertInto('hierarchy_group')
          .values({
            ...base,
            instance_id: '00000000-0000-0000-0000-000000000000',
            id: group,
            parent_id: parent ?? null,
            level: path.length,
            name,
            path,
          })
          .execute();
      });
      return group;
    },
    async addAccount(group, name = `user-${randomUUID().slice(0, 8)}`) {
      const account = randomUUID();
      const owner = { tenant, instance: '00000000-0000-0000-0000-000000000000' };
      await within(async (tx) => {
        const key = await keyring.key(tx, owner, 'identity');
        await tx
          .insertInto('account')
          .values({
            tenant_id: tenant,
            instance_id: owner.instance,
            id: account,
            kind: 'local',
            name_sealed: key.seal({ table: 'account', row: account, field: 'name' }, name),
            name_index: randomBytes(32),
            group_id: group,
            created_at: now(),
          })
          .execute();
      });
      return account;
    },
    async addDesk({ group = null, owner = null, tags = {} } = {}) {
      const device = randomUUID();
      await within(async (tx) => {
        const key = await keyring.key(tx, { tenant, instance: id }, 'secrets');
        await tx
          .insertInto('device')
          .values({
            ...base,
            id: device,
            status: 'enrolled',
            spki_hash: randomBytes(32),
            host_name_sealed: randomBytes(64),
            host_name_index: randomBytes(32),
            platform: 'linux',
            owner_id: owner,
            group_id: group,
            tags: JSON.stringify(tags),
            release_secret_sealed: key.seal(releaseSecretPlace(device), randomBytes(32)),
            created_at: now(),
            status_changed_at: now(),
          })
          .execute();
      });
      return device;
    },
    draft,
    async publish(policy, rest) {
      const revision = await draft(policy, rest);
      await within((tx) => publishRevision(deps, tx, instance as DocumentInstance, { policy, revision, accept: undefined, by: null }));
      return revision;
    },
    assign: (policy, target, priority) =>
      within((tx) => assignPolicy(tx, instance as DocumentInstance, { policy, target, priority, acceptDesks: undefined }, now())),
    async close() {
      keyring.close();
      for (const db of replicas) await db.end();
      await keysDb.end();
      await database.close();
      await rm(keyDir, { recursive: true });
    },
  };
}

/** A desk with the agent's own stores: believes what was signed by the key of its enrolment, and follows rotations. */
export interface RealDesk {
  id: string;
  book: OrderBook;
  held(): Revisions;
  /** One heartbeat: fetches what the fleet has for it, in the daemon's order. Gives what it was offered. */
  heartbeat(by?: { deps: OrderDeps }): Promise<{ latest: Revisions; taken: DocumentKind[] }>;
}

const order: readonly DocumentKind[] = ['keys', 'policy', 'allowlist', 'waivers', 'sealing'];

export async function openRealDesk(stage: Stage, id: string, stateDir: string): Promise<RealDesk> {
  const { alias, region } = stage.instance;
  const book = await openOrderBook({
    stateDir,
    checks: catalog,
    bundled: bundledAllowlist,
    localPolicy: null,
    trust: { instance: { alias, region }, signingKeys: stage.deps.keys.trusted() },
    vantageOf: () => 'endpoint',
    onSetAside: (report) => {
      throw new Error(`set aside: ${JSON.stringify(report)}`);
    },
  });
  return {
    id,
    book,
    held: () => book.held(),
    async heartbeat({ deps } = stage) {
      const latest = (await stage.within((tx) => latestRevisions(deps, tx, stage.instance.id, [{ id, held: book.held() }]))).get(id);
      if (!latest) throw new Error(`the fleet knows no desk ${id}`);
      const taken: DocumentKind[] = [];
      for (const kind of order) {
        const after = book.held()[kind];
        if (latest[kind] <= after) continue;
        const documents = await stage.within((tx) => documentsFor(deps, tx, { instance: stage.instance.id, device: id }, kind, after));
        if (documents.length === 0) throw new Error(`${kind}: ${latest[kind]} was announced, held is ${after}, and there is none`);
        for (const document of documents) {
          const answer = await book.accept(kind, document);
          if (!answer.ok) throw new Error(`${kind} ${document.revision} was refused: ${answer.code}: ${answer.detail}`);
        }
        taken.push(kind);
      }
      return { latest, taken };
    },
  };
}

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AccessControl, Permission } from '../../../contracts/console/access.ts';
import { type AccountAnswer, AddAccountRequest, ProfileRequest } from '../../../contracts/console/access-calls.ts';
import { addAccount } from '../../../fleet/access/accounts.ts';
import { type Actor, operatorOf } from '../../../fleet/access/actor.ts';
import { type DefaultProfileName, defaultProfiles, seedDefaultProfiles } from '../../../fleet/access/default-profiles.ts';
import { loadActor } from '../../../fleet/access/load-actor.ts';
import { addProfile } from '../../../fleet/access/profiles.ts';
import { createKeyring, type Keyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { type Db, openDb, type Tx } from '../../../fleet/db/tenancy.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { addTenant, openTestDatabase } from '../database.ts';
import { type DeskName, storeExample } from './example-world.ts';

export const now = new Date('2026-03-01T10:00:00Z');

export interface Stage {
  tenant: string;
  instance: string;
  desks: Record<DeskName, string>;
  defaults: Record<DefaultProfileName, string>;
  keyring: Keyring;
  db: Db;
  appUrl: string;
  operator: Actor;
  within<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** In a transaction of its own: the code of the refusal, or 'allowed'. */
  refusal(work: (tx: Tx) => Promise<unknown>): Promise<string>;
  /** By the operator, whom no boundary holds. */
  addProfile(permissions: readonly Permission[], accessControl?: AccessControl | null): Promise<string>;
  addAccount(group: string | null, profiles: readonly string[], more?: Partial<AddAccountRequest>): Promise<AccountAnswer>;
  /** As it is now. */
  actor(account: string): Promise<Actor>;
  close(): Promise<void>;
}

/** The example tree and desks, the default profiles, and a keyring on a key file. */
export async function openAccessStage(): Promise<Stage> {
  const database = await openTestDatabase();
  const keysDb = openDb({ url: database.appUrl, applicationName: 'test-keys', max: 2, onError: () => undefined });
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-access-'));
  const keyring = createKeyring({ provider: await openLocalKeyProvider({ dir, clock: () => now }), db: keysDb, clock: () => now });
  const { tenant, instance } = await addTenant(database.db);
  const desks = await storeExample(database.db, { tenant, instance });
  const operator = operatorOf(tenant);
  const within = <T>(work: (tx: Tx) => Promise<T>) => database.db.within({ tenant }, work);
  await within((tx) => seedDefaultProfiles(tx, tenant));
  const rows = await within((tx) => tx.selectFrom('security_profile').select(['id', 'name']).execute());
  const idOf = (name: string) => rows.find((row) => row.name === name)?.id ?? '';
  const names = Object.keys(defaultProfiles) as DefaultProfileName[];
  return {
    tenant,
    instance,
    desks,
    defaults: Object.fromEntries(names.map((name) => [name, idOf(name)])) as Record<DefaultProfileName, string>,
    keyring,
    db: database.db,
    appUrl: database.appUrl,
    operator,
    within,
    async refusal(work) {
      try {
        await within(work);
        return 'allowed';
      } catch (error) {
        if (error instanceof FleetFault) return error.code;
        throw error;
      }
    },
    async addProfile(permissions, accessControl = null) {
      const request = ProfileRequest.parse({ name: randomUUID(), permissions, accessControl });
      return (await within((tx) => addProfile(tx, operator, request, now))).answer.id;
    },
    async addAccount(group, profiles, more = {}) {
      const name = `user-${randomUUID()}`.slice(0, 40);
      const request = AddAccountRequest.parse({ name, kind: 'oidc', group, profiles, ...more });
      return (await within((tx) => addAccount(tx, operator, keyring, request, now))).answer;
    },
    async actor(account) {
      const actor = await within((tx) => loadActor(tx, account, { id: randomUUID(), mfaAt: now }));
      if (!actor) throw new Error('no such account');
      return actor;
    },
    async close() {
      keyring.close();
      await keysDb.end();
      await database.close();
      await rm(dir, { recursive: true });
    },
  };
}

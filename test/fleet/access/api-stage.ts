import { randomUUID } from 'node:crypto';
import type { AccessControl, Permission } from '../../../contracts/console/access.ts';
import { AddAccountRequest, ProfileRequest } from '../../../contracts/console/access-calls.ts';
import { addAccount } from '../../../fleet/access/accounts.ts';
import { operatorOf } from '../../../fleet/access/actor.ts';
import { seedDefaultProfiles } from '../../../fleet/access/default-profiles.ts';
import { addProfile } from '../../../fleet/access/profiles.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { startSession } from '../../../fleet/sign-in/session.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import type { Person } from '../signed-in.ts';
import { type DeskName, deskNames, type GroupName, groupId, storeExample } from './example-world.ts';

/** The shipped server with the tree and the desks of the worked examples. */
export interface ApiStage {
  server: RunningServer;
  desks: Record<DeskName, string>;
  /** Which of the desks these are, in their order. */
  names(ids: readonly string[]): DeskName[];
  addProfile(permissions: readonly Permission[], accessControl?: AccessControl | null): Promise<string>;
  /** With a session that has its second factor. */
  person(group: GroupName | null, profiles: readonly string[], more?: Partial<AddAccountRequest>): Promise<Person & { name: string }>;
  /** Holds the default profile. */
  admin(): Promise<Person>;
  close(): Promise<void>;
}

export async function openApiStage(settings: { through?: (db: Db) => Db } = {}): Promise<ApiStage> {
  const server = await runServer(settings);
  const { tenant, instance } = server;
  const { db, keyring, now } = server.store;
  const operator = operatorOf(tenant);
  const desks = await storeExample(db, { tenant, instance });
  await sealHostNames(server, { tenant, instance }, new Map(deskNames.map((name) => [desks[name], `${name.toLowerCase()}.example.com`])));
  await db.within({ tenant }, (tx) => seedDefaultProfiles(tx, tenant));

  const stage: ApiStage = {
    server,
    desks,
    names: (ids) => deskNames.filter((name) => ids.includes(desks[name])),
    async addProfile(permissions, accessControl = null) {
      const request = ProfileRequest.parse({ name: randomUUID(), permissions, accessControl });
      return (await db.within({ tenant }, (tx) => addProfile(tx, operator, request, now()))).answer.id;
    },
    async person(group, profiles, more = {}) {
      const name = `user-${randomUUID()}`;
      const request = AddAccountRequest.parse({ name, kind: 'oidc', group: group && groupId(group), profiles, ...more });
      const { answer } = await db.within({ tenant }, (tx) => addAccount(tx, operator, keyring, request, now()));
      const cookie = await cookieFor(db, { tenant, account: answer.id }, now());
      return { name, account: answer.id, cookie, ask: (ask) => server.console({ ...ask, headers: { cookie, ...ask.headers } }) };
    },
    async admin() {
      const { id } = await db.within({ tenant }, (tx) =>
        tx.selectFrom('security_profile').select('id').where('name', '=', 'FleetAdmin').executeTakeFirstOrThrow(),
      );
      return stage.person(null, [id]);
    },
    close: () => server.close(),
  };
  return stage;
}

/** Made in the database: how people sign in is tested elsewhere. */
export async function cookieFor(db: Db, who: { tenant: string; account: string }, now: Date): Promise<string> {
  const secondFactor = { at: now.toISOString(), by: 'totp' } as const;
  const { cookie } = await db.within({ tenant: who.tenant }, (tx) => startSession(tx, { ...who, secondFactor }, now));
  return cookie.split(';')[0] ?? '';
}

export async function sealHostNames(
  { store: { db, keyring } }: RunningServer,
  owner: { tenant: string; instance: string },
  names: ReadonlyMap<string, string>,
): Promise<void> {
  await db.within({ tenant: owner.tenant }, async (tx) => {
    const key = await keyring.key(tx, owner, 'identity');
    for (const [id, name] of names) {
      const sealed = key.seal(hostNamePlace(id), name);
      await tx.updateTable('device').set({ host_name_sealed: sealed }).where('id', '=', id).execute();
    }
  });
}

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import { AccessControl, Permission } from '../../contracts/console/access.ts';
import type { PageQuery, ProfileAnswer, ProfileRequest } from '../../contracts/console/access-calls.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Actor, Group, Profile } from './actor.ts';
import { demandWithinOwnRights, type Grant, type PathOf } from './boundary.ts';
import { asConflict } from './constraint.ts';
import { may, mayChange, type Resource } from './decide.ts';
import { pathsOf } from './hierarchy.ts';
import { lintProfile, missingView } from './lint.ts';
import { withImplied } from './permission.ts';
import { demand, demandAtAll } from './refusal.ts';
import { lockAccess } from './settings.ts';

/** A tenant's list is read whole to decide by tags what is shown of it. */
const MAX_PROFILES = 500;

export interface StoredProfile extends Profile {
  tags: Record<string, string>;
}

const StoredTags = z.record(z.string(), z.string());

export async function readProfiles(tx: Tx, ids?: readonly string[]): Promise<StoredProfile[]> {
  if (ids?.length === 0) return [];
  const rows = await tx
    .selectFrom('security_profile')
    .select(['id', 'name', 'is_default', 'permissions', 'access_control', 'tags'])
    .$if(ids !== undefined, (query) => query.where('id', 'in', [...(ids ?? [])]))
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    isDefault: row.is_default,
    permissions: row.permissions.flatMap((one) => Permission.safeParse(one).data ?? []),
    accessControl: AccessControl.nullable().parse(row.access_control),
    tags: StoredTags.parse(row.tags),
  }));
}

export const resourceOfProfile = ({ tags }: Pick<StoredProfile, 'tags'>): Resource => ({ groupPath: null, tags });

export async function listProfiles(tx: Tx, actor: Actor, { limit, after }: PageQuery) {
  const rule = demandAtAll(actor, 'SecurityProfiles.View');
  const seen = (await readProfiles(tx)).filter((profile) => may(actor, 'SecurityProfiles.View', resourceOfProfile(profile)).allowed);
  const rest = after === undefined ? seen : seen.filter(({ id }) => id > after);
  const items = await answersOf(tx, rest.slice(0, limit));
  return { rule, page: { items, next: rest.length > limit ? (items.at(-1)?.id ?? null) : null } };
}

export async function readProfile(tx: Tx, actor: Actor, id: string): Promise<{ rule: string; answer: ProfileAnswer }> {
  const profile = await findProfile(tx, id);
  const rule = demand(may(actor, 'SecurityProfiles.View', resourceOfProfile(profile)));
  return { rule, answer: await answerOf(tx, profile) };
}

export async function addProfile(tx: Tx, actor: Actor, request: ProfileRequest, now: Date) {
  demandAtAll(actor, 'SecurityProfiles.Create');
  const { profileLint } = await lockAccess(tx);
  const { count } = await tx
    .selectFrom('security_profile')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count >= MAX_PROFILES) throw new FleetFault('conflict', `a tenant has at most ${MAX_PROFILES} security profiles`);
  const profile = { id: randomUUID(), name: request.name, isDefault: false, ...draftOf(request), tags: request.tags };
  const rule = demand(mayChange(actor, 'SecurityProfiles.Create', null, resourceOfProfile(profile)));
  const paths = await pathsOf(tx, namedGroups([profile]));
  demandSound(profile, paths, profileLint, request.reason);
  demandWithinOwnRights(actor, [{ profile, holder: 'anyone' }], paths);
  const row = { ...columnsOf(profile), tenant_id: actor.tenant, instance_id: NIL_ID, id: profile.id, created_at: now };
  await asConflict(tx.insertInto('security_profile').values(row).execute(), 'there is a security profile of this name already');
  return { rule, after: profile, answer: await answerOf(tx, profile) };
}

export async function changeProfile(tx: Tx, actor: Actor, id: string, request: ProfileRequest) {
  const { profileLint, maxGranularProfiles } = await lockAccess(tx);
  const before = await findProfile(tx, id);
  const after = { ...before, name: request.name, ...draftOf(request), tags: request.tags };
  const rule = demand(mayChange(actor, 'SecurityProfiles.Edit', resourceOfProfile(before), resourceOfProfile(after)));
  refuseDefault(before);
  const paths = await pathsOf(tx, namedGroups([before, after]));
  demandSound(after, paths, profileLint, request.reason);
  const holders = after.accessControl?.hierarchy.mode === 'own' ? await groupsOfHolders(tx, id) : [];
  const grants: Grant[] = [
    { profile: before, holder: 'anyone' },
    { profile: after, holder: 'anyone' },
    ...holders.map((holder) => ({ profile: after, holder })),
  ];
  demandWithinOwnRights(actor, grants, paths);
  demandNothingForOneself(actor, before, after);
  if (before.accessControl === null && after.accessControl !== null) await demandRoom(tx, id, maxGranularProfiles);
  await asConflict(
    tx.updateTable('security_profile').set(columnsOf(after)).where('id', '=', id).execute(),
    'there is a security profile of this name already',
  );
  return { rule, before, after, answer: await answerOf(tx, after) };
}

export async function deleteProfile(tx: Tx, actor: Actor, id: string): Promise<{ rule: string; before: StoredProfile }> {
  await lockAccess(tx);
  const before = await findProfile(tx, id);
  const rule = demand(may(actor, 'SecurityProfiles.Delete', resourceOfProfile(before)));
  refuseDefault(before);
  const holders = (await countHolders(tx, [id])).get(id) ?? 0;
  if (holders > 0) throw new FleetFault('conflict', `${holders} accounts hold the security profile`);
  demandWithinOwnRights(actor, [{ profile: before, holder: 'anyone' }], await pathsOf(tx, namedGroups([before])));
  await tx.deleteFrom('security_profile').where('id', '=', id).execute();
  return { rule, before };
}

/** Groups that the profiles name. */
export function namedGroups(profiles: readonly Pick<Profile, 'accessControl'>[]): string[] {
  return profiles.flatMap(({ accessControl }) => (accessControl?.hierarchy.mode === 'named' ? [accessControl.hierarchy.groupId] : []));
}

// What it implies is added, except that a granular profile says itself that it lets its types be seen (S4-19).
function draftOf(request: ProfileRequest): Pick<Profile, 'permissions' | 'accessControl'> {
  const missing = missingView(request);
  if (missing !== null) {
    throw new FleetFault('profile-refused', `a profile that restricts a type needs ${missing}`, { path: 'permissions' });
  }
  return { permissions: withImplied(request.permissions), accessControl: request.accessControl };
}

function demandSound(profile: Profile, paths: PathOf, lint: 'warn' | 'strict', reason: string | undefined): void {
  for (const { code, permission } of lintProfile(profile, { has: (group) => paths(group) !== null })) {
    if (code === 'dangling-group')
      throw new FleetFault('profile-refused', 'there is no such group', { path: 'accessControl.hierarchy.groupId' });
    const isRefused = code === 'agent-with-admin' ? reason === undefined : lint === 'strict';
    if (!isRefused) continue;
    const remedy = code === 'agent-with-admin' ? ': give a reason to have it nevertheless' : '';
    throw new FleetFault('profile-refused', `${code}: ${permission}${remedy}`, { path: 'permissions' });
  }
}

/** Duties that are kept apart are handed to others: not by way of a profile that one holds. */
function demandNothingForOneself(actor: Actor, before: Profile, after: Profile): void {
  if (!actor.profiles.some(({ id }) => id === before.id)) return;
  const own = new Set(actor.profiles.flatMap(({ permissions }) => permissions));
  const gained = after.permissions.find((permission) => !own.has(permission));
  if (gained === undefined) return;
  throw new FleetFault('boundary-exceeded', `this would give ${gained} to yourself`, { rule: 'acl.boundary' });
}

function refuseDefault({ isDefault, name }: Profile): void {
  if (isDefault) throw new FleetFault('default-profile', `${name} comes with the product and stays as it is: make one of your own like it`);
}

async function findProfile(tx: Tx, id: string): Promise<StoredProfile> {
  const [profile] = await readProfiles(tx, [id]);
  if (!profile) throw new FleetFault('not-found', 'there is no such thing');
  return profile;
}

async function groupsOfHolders(tx: Tx, profile: string): Promise<Group[]> {
  return tx
    .selectFrom('account_profile')
    .innerJoin('account', 'account.id', 'account_profile.account_id')
    .innerJoin('hierarchy_group', 'hierarchy_group.id', 'account.group_id')
    .where('account_profile.profile_id', '=', profile)
    .select(['hierarchy_group.id', 'hierarchy_group.path'])
    .distinct()
    .execute();
}

/** E26: whoever holds the profile would hold one granular profile more. */
async function demandRoom(tx: Tx, profile: string, limit: number): Promise<void> {
  const { rows } = await sql<{ crowded: number }>`select count(*)::int as crowded from account_profile as holding
    where holding.profile_id = ${profile} and ${limit} <= (
      select count(*) from account_profile as other join security_profile on security_profile.id = other.profile_id
      where other.account_id = holding.account_id and security_profile.access_control is not null)`.execute(tx);
  const crowded = rows[0]?.crowded ?? 0;
  if (crowded === 0) return;
  throw new FleetFault('granular-profile-limit', `${crowded} of the accounts that hold it have ${limit} granular profiles already`);
}

async function countHolders(tx: Tx, profiles: readonly string[]): Promise<Map<string, number>> {
  if (profiles.length === 0) return new Map();
  const rows = await tx
    .selectFrom('account_profile')
    .select((eb) => ['profile_id', eb.fn.countAll<number>().as('holders')])
    .where('profile_id', 'in', [...profiles])
    .groupBy('profile_id')
    .execute();
  return new Map(rows.map(({ profile_id, holders }) => [profile_id, holders]));
}

async function answerOf(tx: Tx, profile: StoredProfile): Promise<ProfileAnswer> {
  const [answer] = await answersOf(tx, [profile]);
  if (!answer) throw new Error('one profile gives one answer');
  return answer;
}

async function answersOf(tx: Tx, profiles: readonly StoredProfile[]): Promise<ProfileAnswer[]> {
  const holders = await countHolders(
    tx,
    profiles.map(({ id }) => id),
  );
  const paths = await pathsOf(tx, namedGroups(profiles));
  return profiles.map((profile) => ({
    ...profile,
    permissions: [...profile.permissions],
    holders: holders.get(profile.id) ?? 0,
    warnings: lintProfile(profile, { has: (group) => paths(group) !== null }),
  }));
}

function columnsOf({ name, permissions, accessControl, tags }: StoredProfile) {
  return {
    name,
    permissions: [...permissions],
    access_control: accessControl && JSON.stringify(accessControl),
    tags: JSON.stringify(tags),
  };
}

import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { groupOf, resourceOfAccount, seenAccount } from './account-state.ts';
import type { Actor, Group, Profile } from './actor.ts';
import { demandWithinOwnRights } from './boundary.ts';
import { isGranular, may } from './decide.ts';
import { pathsOf } from './hierarchy.ts';
import { demandOtherAdmin, isAdminProfile } from './last-admin.ts';
import { namedGroups, readProfiles, resourceOfProfile, type StoredProfile } from './profiles.ts';
import { demand } from './refusal.ts';
import { lockAccess } from './settings.ts';

export async function profilesOf(tx: Tx, account: string): Promise<StoredProfile[]> {
  const held = await tx.selectFrom('account_profile').select('profile_id').where('account_id', '=', account).execute();
  return readProfiles(
    tx,
    held.map(({ profile_id }) => profile_id),
  );
}

/** Gives the account these profiles and no others. */
export async function assignProfiles(tx: Tx, actor: Actor, account: string, wanted: readonly string[]) {
  const { maxGranularProfiles } = await lockAccess(tx);
  const target = await seenAccount(tx, actor, account);
  const rule = demand(may(actor, 'Users.EditPermission', await resourceOfAccount(tx, target)));
  if (account === actor.account) {
    throw new FleetFault('boundary-exceeded', 'nobody changes their own security profiles', { rule: 'acl.boundary' });
  }
  const held = await profilesOf(tx, account);
  const holder = await groupOf(tx, target.group);
  const profiles = await demandAssignable(tx, actor, { holder, held, wanted, limit: maxGranularProfiles });
  if (held.some(isAdminProfile) && !profiles.some(isAdminProfile)) await demandOtherAdmin(tx, account);
  await tx.deleteFrom('account_profile').where('account_id', '=', account).execute();
  await assign(tx, actor.tenant, account, wanted);
  return { rule, before: held.map(({ id }) => id), after: [...wanted] };
}

interface Assignment {
  holder: Group | null;
  held: readonly StoredProfile[];
  wanted: readonly string[];
  limit: number;
}

/** Each profile that comes or goes is within the actor's own rights, and the granular ones are not too many. */
export async function demandAssignable(tx: Tx, actor: Actor, { holder, held, wanted, limit }: Assignment): Promise<StoredProfile[]> {
  const profiles = await readProfiles(tx, wanted);
  const isHeld = ({ id }: Profile) => held.some((one) => one.id === id);
  const seen = (profile: StoredProfile) => isHeld(profile) || may(actor, 'SecurityProfiles.View', resourceOfProfile(profile)).allowed;
  if (profiles.length < wanted.length || !profiles.every(seen)) {
    throw new FleetFault('bad-request', 'there is no such security profile', { path: 'profiles' });
  }
  const changed = [...profiles.filter((profile) => !isHeld(profile)), ...held.filter(({ id }) => !wanted.includes(id))];
  const grants = changed.map((profile) => ({ profile, holder }));
  demandWithinOwnRights(actor, grants, await pathsOf(tx, namedGroups(changed)));
  demandGranularLimit(profiles, limit);
  return profiles;
}

/** E26. Also of a set of profiles that an identity provider's groups map to: refused whole, never cut down in silence. */
function demandGranularLimit(profiles: readonly Pick<Profile, 'accessControl'>[], limit: number): void {
  const granular = profiles.filter(isGranular).length;
  if (granular <= limit) return;
  throw new FleetFault('granular-profile-limit', `an account holds at most ${limit} granular profiles, and these are ${granular}`);
}

export async function assign(tx: Tx, tenant: string, account: string, profiles: readonly string[]): Promise<void> {
  if (profiles.length === 0) return;
  const rows = profiles.map((profile) => ({ tenant_id: tenant, instance_id: NIL_ID, account_id: account, profile_id: profile }));
  await tx.insertInto('account_profile').values(rows).execute();
}

import { FleetFault } from '../http/fault.ts';
import type { Actor, Group, Profile } from './actor.ts';
import { grantOf, type Reach, type Term } from './decide.ts';
import { type Permission, permissions, viewOf } from './permission.ts';

// S4-21: nobody hands out more than they have. Guardrails are left out on both sides, since they bind whoever is given the right too.

/** What is granted to whom. `anyone`: not known yet; then `own` is taken to fit, and is looked at again when it is assigned. */
export interface Grant {
  profile: Pick<Profile, 'permissions' | 'accessControl'>;
  holder: Group | null | 'anyone';
}

/** From the root to the group; null where there is no such group. */
export type PathOf = (group: string) => readonly string[] | null;

/** The first permission of the grant that goes beyond the actor's own rights; null where none does. */
function beyondOwnRights(actor: Actor, grant: Grant, pathOf: PathOf): Permission | null {
  if (actor.kind === 'operator') return null;
  return grant.profile.permissions.find((permission) => !holds(actor, permission, grant, pathOf)) ?? null;
}

export function demandWithinOwnRights(actor: Actor, grants: readonly Grant[], pathOf: PathOf): void {
  for (const grant of grants) {
    const permission = beyondOwnRights(actor, grant, pathOf);
    if (permission === null) continue;
    throw new FleetFault('boundary-exceeded', `this would hand out ${permission} beyond your own rights`, { rule: 'acl.boundary' });
  }
}

function holds(actor: Actor, permission: Permission, grant: Grant, pathOf: PathOf): boolean {
  // A service's conditions bind all that it does, and no profile that it makes would carry them.
  if (actor.conditions.length > 0) return false;
  const wanted = reachOfGrant(permission, grant);
  const own = grantOf(actor, permission);
  if (own.kind !== 'nothing') return contains(own, wanted, grant.holder, pathOf);
  const { grantedBy, type } = permissions[permission];
  if (grantedBy === undefined || grantOf(actor, grantedBy).kind === 'nothing') return false;
  const view = viewOf[type];
  return view === null || contains(grantOf(actor, view), wanted, grant.holder, pathOf);
}

function reachOfGrant(permission: Permission, { profile, holder }: Grant): Reach {
  const alone = { id: '', name: '', isDefault: false, ...profile };
  return grantOf({ profiles: [alone], group: holder === 'anyone' ? anyGroup : holder }, permission);
}

const ANY = 'any';
const anyGroup: Group = { id: ANY, path: [ANY] };

function contains(own: Reach, wanted: Reach, holder: Grant['holder'], pathOf: PathOf): boolean {
  if (wanted.kind === 'nothing' || own.kind === 'everything') return true;
  if (own.kind === 'nothing' || wanted.kind === 'everything') return false;
  return wanted.terms.every((want) => own.terms.some((have) => covers(have, want, holder, pathOf)));
}

function covers(have: Term, want: Term, holder: Grant['holder'], pathOf: PathOf): boolean {
  const tagged = Object.entries(have.tags).every(([key, value]) => Object.hasOwn(want.tags, key) && want.tags[key] === value);
  if (!tagged) return false;
  if (have.under === null) return true;
  if (want.under === null) return false;
  if (want.under === ANY) return true;
  const path = typeof holder === 'object' && holder?.id === want.under ? holder.path : pathOf(want.under);
  // No such group: ids are never used again, so that nothing will ever be under it.
  return path === null || path.includes(have.under);
}

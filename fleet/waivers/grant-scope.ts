import type { WaiverTarget } from '../../contracts/console/waivers.ts';
import type { Actor } from '../access/actor.ts';
import { enforcesOn, may } from '../access/decide.ts';
import type { Permission } from '../access/permission.ts';
import { demand } from '../access/refusal.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { deskPlaces } from '../policies/desk-places.ts';

/** As who holds Waivers.Approve for a part of the desks alone: supervisors, by requirements section 5. */
const SCOPED_MOST_MS = 4 * 60 * 60_000;
const notForScoped = /^(tls\.|device\.agent-integrity$)/;

export const MOST_WAIVED_MS = 30 * 24 * 60 * 60_000;
/** Of a whole group: for the day on which a policy was wrong. */
export const MOST_RELEASED_MS = 24 * 60 * 60_000;

/** May the actor do this where the target is? Gives the rule that decided; what is unseen is not there. */
export async function demandTarget(tx: Tx, actor: Actor, permission: Permission, instance: string, target: WaiverTarget): Promise<string> {
  return demand(may(actor, permission, await resourceOf(tx, instance, target)));
}

export async function mayTarget(tx: Tx, actor: Actor, permission: Permission, instance: string, target: WaiverTarget): Promise<boolean> {
  return may(actor, permission, await resourceOf(tx, instance, target)).allowed;
}

async function resourceOf(tx: Tx, instance: string, target: WaiverTarget) {
  if (target.kind === 'device') {
    const place = (await deskPlaces(tx, instance, [target.device])).get(target.device);
    if (!place) throw new FleetFault('not-found', 'there is no such thing');
    return { groupPath: place.path.length > 0 ? place.path : null, tags: place.tags };
  }
  const group = await tx.selectFrom('hierarchy_group').select('path').where('id', '=', target.group).executeTakeFirst();
  if (!group) throw new FleetFault('not-found', 'there is no such thing');
  // As a desk of that group without tags: who sees some desks there by their tags does not decide on all of them.
  return { groupPath: group.path, tags: {} };
}

/** Groups that the actor sees as wholes. */
export async function groupsSeen(tx: Tx, actor: Actor): Promise<string[]> {
  const groups = await tx.selectFrom('hierarchy_group').select(['id', 'path']).execute();
  return groups.filter(({ path }) => may(actor, 'Devices.View', { groupPath: path, tags: {} }).allowed).map(({ id }) => id);
}

export function demandEnd(until: Date, now: Date, mostMs: number): void {
  if (until <= now) throw new FleetFault('bad-request', 'this is over already', { path: 'body.until' });
  if (until.getTime() - now.getTime() > mostMs) {
    throw new FleetFault('bad-request', `at most ${mostMs / 3_600_000} hours from now`, { path: 'body.until' });
  }
}

/** Whoever may approve for some desks only: not for long, and not where somebody may be tampering. */
export function demandWithinScopedLimits(actor: Actor, waiver: { until: Date; rule: string; checks: readonly string[] }, now: Date): void {
  if (actor.kind === 'operator') return;
  if (actor.profiles.some((profile) => profile.permissions.includes('Waivers.Approve') && !enforcesOn(profile, 'Device'))) return;
  if (waiver.until.getTime() - now.getTime() > SCOPED_MOST_MS) {
    throw new FleetFault('forbidden', 'with access to some desks only, at most 4 hours may be approved', { rule: 'waiver.scoped' });
  }
  if ([waiver.rule, ...waiver.checks].some((name) => notForScoped.test(name))) {
    throw new FleetFault('forbidden', 'with access to some desks only, checks of TLS and of the agent itself may not be waived', {
      rule: 'waiver.scoped',
    });
  }
}

/** Who requests does not approve; the command line on the server counts as one person. */
export function demandOther(requestedBy: string | null, approver: string | null): void {
  if (requestedBy === approver)
    throw new FleetFault('forbidden', 'somebody other than who requested it must approve it', { rule: 'waiver.self' });
}

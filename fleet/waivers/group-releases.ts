import { randomUUID } from 'node:crypto';
import type { GroupReleaseRequest } from '../../contracts/console/waivers.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { theInstance } from '../policies/policy-access.ts';
import { demandEnd, demandOther, demandTarget, MOST_RELEASED_MS, mayTarget } from './grant-scope.ts';
import { reasonPlace } from './waiver-content.ts';
import type { Asked, GrantDeps } from './waivers.ts';

/** Two people with names: the command line on the server is none. */
function personOf({ actor }: Pick<Asked<unknown>, 'actor'>): string {
  if (actor.kind === 'account') return actor.account;
  throw new FleetFault('forbidden', 'a group is released by two people who have signed in', { rule: 'release.two-people' });
}

export async function requestRelease({ keyring }: GrantDeps, asked: Asked<GroupReleaseRequest>): Promise<{ id: string; rule: string }> {
  const { tx, actor, now, what } = asked;
  const person = personOf(asked);
  const instance = await theInstance(tx, what.instance);
  const decided = await demandTarget(tx, actor, 'GroupRelease.Request', instance.id, { kind: 'group', group: what.group });
  const until = new Date(what.until);
  demandEnd(until, now, MOST_RELEASED_MS);
  const id = randomUUID();
  const key = await keyring.key(tx, { tenant: instance.tenant, instance: instance.id }, 'identity');
  await tx
    .insertInto('group_release')
    .values({
      tenant_id: instance.tenant,
      instance_id: instance.id,
      id,
      group_id: what.group,
      reason_sealed: key.seal(reasonPlace('group_release', id), what.reason),
      until,
      requested_by: person,
      requested_at: now,
    })
    .execute();
  return { id, rule: decided };
}

export async function approveRelease(asked: Asked<string>): Promise<string> {
  const { tx, actor, now, what: id } = asked;
  const person = personOf(asked);
  const row = await lockRelease(tx, id);
  const decided = await demandTarget(tx, actor, 'GroupRelease.Approve', row.instance_id, { kind: 'group', group: row.group_id });
  if (row.ended_at !== null || row.until <= now) throw new FleetFault('conflict', 'it has ended');
  if (row.approved_at !== null) throw new FleetFault('conflict', 'it is approved already');
  demandOther(row.requested_by, person);
  await tx.updateTable('group_release').set({ approved_by: person, approved_at: now }).where('id', '=', id).execute();
  return decided;
}

export async function endRelease(asked: Asked<string>): Promise<string> {
  const { tx, actor, now, what: id } = asked;
  const row = await lockRelease(tx, id);
  const target = { kind: 'group' as const, group: row.group_id };
  const decided = await demandTarget(tx, actor, 'Devices.View', row.instance_id, target);
  const isOwn = actor.kind === 'account' && row.requested_by === actor.account;
  if (!isOwn && !(await mayTarget(tx, actor, 'GroupRelease.Approve', row.instance_id, target))) {
    throw new FleetFault('forbidden', 'only who requested it, or who may approve it, ends it', { rule: decided });
  }
  if (row.ended_at !== null || row.until <= now) throw new FleetFault('conflict', 'it has ended');
  const by = actor.kind === 'account' ? actor.account : null;
  await tx.updateTable('group_release').set({ ended_at: now, ended_by: by }).where('id', '=', id).execute();
  return decided;
}

async function lockRelease(tx: Tx, id: string) {
  const row = await tx.selectFrom('group_release').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing');
  return row;
}

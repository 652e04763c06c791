import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { WaiverRequest, WaiverTarget } from '../../contracts/console/waivers.ts';
import type { Actor } from '../access/actor.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { theInstance, writerOf } from '../policies/policy-access.ts';
import { demandEnd, demandOther, demandTarget, demandWithinScopedLimits, MOST_WAIVED_MS, mayTarget } from './grant-scope.ts';
import { reasonPlace } from './waiver-content.ts';

export interface GrantDeps {
  keyring: Keyring;
}

export interface Asked<T> {
  tx: Tx;
  actor: Actor;
  now: Date;
  what: T;
}

/** Gives its id, and the rule of access that decided. */
export async function requestWaiver(
  { keyring }: GrantDeps,
  { tx, actor, now, what }: Asked<WaiverRequest>,
): Promise<{ id: string; rule: string }> {
  const instance = await theInstance(tx, what.instance);
  const decided = await demandTarget(tx, actor, 'Waivers.Request', instance.id, what.target);
  const until = new Date(what.until);
  demandEnd(until, now, MOST_WAIVED_MS);
  if ((await checksOf(tx, instance.id, what.rule)).length === 0) {
    throw new FleetFault('bad-request', 'no published policy of this instance has such a rule', { path: 'body.rule' });
  }
  const id = randomUUID();
  const key = await keyring.key(tx, { tenant: instance.tenant, instance: instance.id }, 'identity');
  await tx
    .insertInto('waiver')
    .values({
      tenant_id: instance.tenant,
      instance_id: instance.id,
      id,
      device_id: what.target.kind === 'device' ? what.target.device : null,
      group_id: what.target.kind === 'group' ? what.target.group : null,
      rule: what.rule,
      reason_sealed: key.seal(reasonPlace('waiver', id), what.reason),
      requested_by: writerOf(actor),
      requested_at: now,
      until,
    })
    .execute();
  return { id, rule: decided };
}

/** Desks have it with their next heartbeat. */
export async function approveWaiver({ tx, actor, now, what: id }: Asked<string>): Promise<string> {
  const row = await lockWaiver(tx, id);
  const decided = await demandTarget(tx, actor, 'Waivers.Approve', row.instance_id, targetOf(row));
  if (row.ended_at !== null || row.until <= now) throw new FleetFault('conflict', 'it has ended');
  if (row.approved_at !== null) throw new FleetFault('conflict', 'it is approved already');
  demandOther(row.requested_by, writerOf(actor));
  demandWithinScopedLimits(actor, { until: row.until, rule: row.rule, checks: await checksOf(tx, row.instance_id, row.rule) }, now);
  await tx
    .updateTable('waiver')
    .set({ approved_by: writerOf(actor), approved_at: now })
    .where('id', '=', id)
    .execute();
  return decided;
}

/** By whoever may approve, or by who asked for it: taking a waiver back makes nothing weaker. */
export async function endWaiver({ tx, actor, now, what: id }: Asked<string>): Promise<string> {
  const row = await lockWaiver(tx, id);
  const decided = await demandTarget(tx, actor, 'Devices.View', row.instance_id, targetOf(row));
  const isOwn = actor.kind === 'account' && row.requested_by === actor.account;
  if (!isOwn && !(await mayTarget(tx, actor, 'Waivers.Approve', row.instance_id, targetOf(row)))) {
    throw new FleetFault('forbidden', 'only who requested it, or who may approve it, ends it', { rule: decided });
  }
  if (row.ended_at !== null || row.until <= now) throw new FleetFault('conflict', 'it has ended');
  await tx
    .updateTable('waiver')
    .set({ ended_by: writerOf(actor), ended_at: now })
    .where('id', '=', id)
    .execute();
  return decided;
}

export function targetOf({ device_id: device, group_id: group }: { device_id: string | null; group_id: string | null }): WaiverTarget {
  if (device !== null) return { kind: 'device', device };
  if (group !== null) return { kind: 'group', group };
  throw new Error('a waiver without a target');
}

async function lockWaiver(tx: Tx, id: string) {
  const row = await tx.selectFrom('waiver').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing');
  return row;
}

/** Checks of the rule, by every published policy of the instance. */
async function checksOf(tx: Tx, instance: string, rule: string): Promise<string[]> {
  const { rows } = await sql<{ check: string }>`
    select distinct one ->> 'check' as "check" from policy_revision, jsonb_array_elements(resolved -> 'rules') as one
    where instance_id = ${instance} and published_at is not null and one ->> 'id' = ${rule}`.execute(tx);
  return rows.map(({ check }) => check);
}

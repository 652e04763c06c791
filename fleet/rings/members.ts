import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { PageQuery } from '../../contracts/console/access-calls.ts';
import type { Ring, RingMember } from '../../contracts/console/rings.ts';
import type { Actor } from '../access/actor.ts';
import { asConflict } from '../access/constraint.ts';
import { deviceFilter } from '../access/filter.ts';
import { appendAudit } from '../audit/append.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { openHostName } from '../enrolment/host-name.ts';
import { FleetFault } from '../http/fault.ts';
import { ringFor } from './rings.ts';

/** Who changes a ring, and in which call. */
interface Change {
  tx: Tx;
  actor: Actor;
  now: Date;
  requestId: string;
}

/** A record of the audit names at most a thousand targets. */
const DESKS_PER_RECORD = 500;

/** All of them: who edits the ring must be able to take out whatever is in it. Of an unseen desk only that it is there. */
export async function listMembers(tx: Tx, actor: Actor, keyring: Keyring, ring: string, { limit, after }: PageQuery) {
  const { rule } = await ringFor(tx, actor, 'Rings.View', ring);
  const rows = await tx
    .selectFrom('ring_member')
    .leftJoin('device', (join) =>
      join
        .onRef('device.tenant_id', '=', 'ring_member.tenant_id')
        .onRef('device.id', '=', 'ring_member.device_id')
        .on(deviceFilter(actor, 'Devices.View')),
    )
    .select(['ring_member.id', 'device.id as desk', 'device.instance_id', 'device.host_name_sealed'])
    .where('ring_member.ring_id', '=', ring)
    .$if(after !== undefined, (query) => query.where('ring_member.id', '>', after ?? ''))
    .orderBy('ring_member.id')
    .limit(limit + 1)
    .execute();
  const items: RingMember[] = [];
  for (const { id, desk, instance_id: instance, host_name_sealed: sealed } of rows.slice(0, limit)) {
    const isSeen = desk !== null && instance !== null && sealed !== null;
    items.push({
      id,
      desk: isSeen ? { id: desk, hostName: await openHostName(keyring, tx, { tenant: actor.tenant, instance }, desk, sealed) } : null,
    });
  }
  return { rule, page: { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null } };
}

/** 3.5: wants edit on the ring, and the desk in sight. */
export async function attach({ tx, actor }: Change, keyring: Keyring, ringId: string, deskId: string) {
  const { rule, ring } = await ringFor(tx, actor, 'Rings.Edit', ringId);
  const desk = await tx
    .selectFrom('device')
    .select(['id', 'instance_id', 'host_name_sealed'])
    .where('id', '=', deskId)
    .where('status', '=', 'enrolled')
    .where(deviceFilter(actor, 'Devices.View'))
    .executeTakeFirst();
  if (!desk) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  const member = { tenant_id: actor.tenant, instance_id: desk.instance_id, id: randomUUID(), ring_id: ring.id, device_id: desk.id };
  await asConflict(tx.insertInto('ring_member').values(member).execute(), 'the desk is in the ring already');
  const hostName = await openHostName(keyring, tx, { tenant: actor.tenant, instance: desk.instance_id }, desk.id, desk.host_name_sealed);
  const answer: RingMember = { id: member.id, desk: { id: desk.id, hostName } };
  return { rule, answer };
}

/** 3.5: wants edit on the ring alone, since the relation is the ring's. */
export async function detach(change: Change, ringId: string, member: string): Promise<{ rule: string }> {
  const { rule, ring } = await ringFor(change.tx, change.actor, 'Rings.Edit', ringId);
  const [desk] = await removeMembers(change, ring, member);
  if (desk === undefined) throw new FleetFault('not-found', 'there is no such thing');
  return { rule };
}

/** Takes every desk out, and then is gone. */
export async function deleteRing(change: Change, ringId: string): Promise<{ rule: string; before: Ring }> {
  const { rule, ring } = await ringFor(change.tx, change.actor, 'Rings.Edit', ringId);
  await removeMembers(change, ring, null);
  await change.tx.deleteFrom('ring').where('id', '=', ring.id).execute();
  return { rule, before: ring };
}

/** One of them, or all; leaves a notice for each desk's people and the audit's records. Gives the desks. */
async function removeMembers({ tx, actor, now, requestId }: Change, ring: Ring, member: string | null): Promise<string[]> {
  const by = actor.kind === 'account' ? actor.account : null;
  const { rows } = await sql<{ desk: string }>`
    with gone as (
      delete from ring_member where ring_id = ${ring.id} and ${member === null ? sql`true` : sql`id = ${member}`}
      returning tenant_id, instance_id, device_id
    ), told as (
      insert into notice (tenant_id, instance_id, id, device_id, ring_id, ring_name, made_by, at)
      select tenant_id, instance_id, gen_random_uuid(), device_id, ${ring.id}, ${ring.name}, ${by}, ${now} from gone
    )
    select device_id as desk from gone order by 1`.execute(tx);
  const desks = rows.map(({ desk }) => desk);
  for (let from = 0; from < desks.length; from += DESKS_PER_RECORD) {
    const some = desks.slice(from, from + DESKS_PER_RECORD);
    await appendAudit(tx, actor.tenant, {
      eventId: randomUUID(),
      at: now.toISOString(),
      actor:
        by === null
          ? { kind: 'operator' }
          : { kind: 'account', id: by, ...(actor.session !== null && { session: actor.session }), mfa: actor.mfaAt !== null },
      action: 'relation.removed',
      status: 200,
      targets: [{ type: 'ring', id: ring.id }, ...some.map((id) => ({ type: 'device', id }))],
      requestId,
    });
  }
  return desks;
}

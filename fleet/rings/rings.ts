import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PageQuery } from '../../contracts/console/access-calls.ts';
import type { AddRingRequest, ChangeRingRequest, Ring } from '../../contracts/console/rings.ts';
import type { Actor } from '../access/actor.ts';
import { asConflict } from '../access/constraint.ts';
import { may, mayChange, type Resource } from '../access/decide.ts';
import type { Permission } from '../access/permission.ts';
import { demand, demandAtAll } from '../access/refusal.ts';
import { lockAccess } from '../access/settings.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';

/** A tenant's list is read whole to decide by tags what is shown of it. */
const MAX_RINGS = 200;

const StoredTags = z.record(z.string(), z.string());
const resourceOf = ({ tags }: Pick<Ring, 'tags'>): Resource => ({ groupPath: null, tags });

export async function listRings(tx: Tx, actor: Actor, { limit, after }: PageQuery) {
  const rule = demandAtAll(actor, 'Rings.View');
  const rows = await tx.selectFrom('ring').select(['id', 'name', 'tags']).orderBy('id').execute();
  const seen = rows.map(ringOf).filter((ring) => may(actor, 'Rings.View', resourceOf(ring)).allowed);
  const rest = after === undefined ? seen : seen.filter(({ id }) => id > after);
  const items = rest.slice(0, limit);
  return { rule, page: { items, next: rest.length > limit ? (items.at(-1)?.id ?? null) : null } };
}

/** The ring, where the actor may do this to it. To change it, locked: its members come and go by one call at a time. */
export async function ringFor(tx: Tx, actor: Actor, permission: Permission, id: string): Promise<{ rule: string; ring: Ring }> {
  const row = await tx
    .selectFrom('ring')
    .select(['id', 'name', 'tags'])
    .where('id', '=', id)
    .$if(permission === 'Rings.Edit', (query) => query.forUpdate())
    .executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  const ring = ringOf(row);
  return { rule: demand(may(actor, permission, resourceOf(ring))), ring };
}

export async function addRing(tx: Tx, actor: Actor, request: AddRingRequest, now: Date): Promise<{ rule: string; ring: Ring }> {
  const ring = { id: randomUUID(), ...request };
  const rule = demand(mayChange(actor, 'Rings.Edit', null, resourceOf(ring)));
  // One at a time, so that the limit holds.
  await lockAccess(tx);
  const { count } = await tx
    .selectFrom('ring')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count >= MAX_RINGS) throw new FleetFault('conflict', `a tenant has at most ${MAX_RINGS} rings`);
  const row = { tenant_id: actor.tenant, instance_id: NIL_ID, id: ring.id, ...columnsOf(ring), created_at: now };
  await asConflict(tx.insertInto('ring').values(row).execute(), 'there is a ring of this name already');
  return { rule, ring };
}

export async function changeRing(tx: Tx, actor: Actor, id: string, change: ChangeRingRequest) {
  const { ring: before } = await ringFor(tx, actor, 'Rings.Edit', id);
  const after: Ring = {
    ...before,
    ...(change.name !== undefined && { name: change.name }),
    ...(change.tags !== undefined && { tags: change.tags }),
  };
  const rule = demand(mayChange(actor, 'Rings.Edit', resourceOf(before), resourceOf(after)));
  await asConflict(tx.updateTable('ring').set(columnsOf(after)).where('id', '=', id).execute(), 'there is a ring of this name already');
  return { rule, before, after };
}

function ringOf({ id, name, tags }: { id: string; name: string; tags: unknown }): Ring {
  return { id, name, tags: StoredTags.parse(tags) };
}

function columnsOf({ name, tags }: Ring) {
  return { name, tags: JSON.stringify(tags) };
}

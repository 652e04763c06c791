import { operatorOf } from '../../../fleet/access/actor.ts';
import { changeGroup } from '../../../fleet/access/hierarchy.ts';
import { NIL_ID, type Tx } from '../../../fleet/db/tenancy.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { deviceRow } from './example-world.ts';
import type { Random, RandomWorld } from './random-world.ts';

export async function storeWorld(tx: Tx, world: RandomWorld, { tenant, instance }: { tenant: string; instance: string }): Promise<void> {
  const own = { tenant_id: tenant, instance_id: NIL_ID };
  const at = new Date('2026-03-01T08:00:00Z');
  const paths = new Map<string, string[]>();
  for (const { id, parent } of world.groups) {
    const path = [...(parent === null ? [] : (paths.get(parent) ?? [])), id];
    paths.set(id, path);
    await tx
      .insertInto('hierarchy_group')
      .values({ ...own, id, parent_id: parent, level: path.length, name: id, path })
      .execute();
  }
  await tx
    .insertInto('security_profile')
    .values(
      world.profiles.map(({ id, permissions: granted, accessControl }) => ({
        ...own,
        id,
        name: id,
        permissions: granted,
        access_control: accessControl && JSON.stringify(accessControl),
        created_at: at,
      })),
    )
    .execute();
  await tx
    .insertInto('account')
    .values(
      world.accounts.map(({ id, kind, group, tags, conditions }) => ({
        ...own,
        id,
        kind,
        name_sealed: Buffer.from('sealed'),
        name_index: Buffer.from(id),
        group_id: group,
        tags: JSON.stringify(tags),
        conditions: JSON.stringify(conditions),
        created_at: at,
      })),
    )
    .execute();
  const held = world.accounts.flatMap(({ id, profiles }) => profiles.map((profile) => ({ ...own, account_id: id, profile_id: profile })));
  if (held.length > 0) await tx.insertInto('account_profile').values(held).execute();
  const guardrails = world.guardrails.length > 0 ? [{ name: 'Random', deny: world.guardrails, reason: 'test' }] : [];
  await tx
    .updateTable('tenant_settings')
    .set({ guardrails: JSON.stringify(guardrails) })
    .execute();
  await tx
    .insertInto('device')
    .values(world.desks.map((desk) => deviceRow({ ...desk, tenant, instance })))
    .execute();
}

/** Re-parents some groups where the tree allows it, in the database and in the world. */
export async function moveGroups(tx: Tx, world: RandomWorld, tenant: string, random: Random): Promise<number> {
  let moved = 0;
  for (const group of random.some(world.groups, 0.4)) {
    const parent = random.chance(0.2) ? null : random.pick(world.groups).id;
    try {
      await changeGroup(tx, operatorOf(tenant), group.id, { parent });
    } catch (error) {
      if (error instanceof FleetFault && error.code === 'conflict') continue;
      throw error;
    }
    if (group.parent !== parent) moved += 1;
    group.parent = parent;
  }
  return moved;
}

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { AddGroupRequest, ChangeGroupRequest, Group, PageQuery } from '../../contracts/console/access-calls.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Actor } from './actor.ts';
import type { PathOf } from './boundary.ts';
import { asConflict } from './constraint.ts';
import { reachOf, type Term } from './decide.ts';
import { type Permission, permissions } from './permission.ts';
import { demandAtAll } from './refusal.ts';
import { lockAccess } from './settings.ts';

const MAX_LEVEL = 5;

interface Change<T> {
  rule: string;
  before?: T;
  after: T;
}

export async function pathOfGroup(tx: Tx, group: string | null): Promise<string[] | null> {
  if (group === null) return null;
  const row = await tx.selectFrom('hierarchy_group').select('path').where('id', '=', group).executeTakeFirst();
  return row?.path ?? null;
}

/** Of the groups that are named, all at once. */
export async function pathsOf(tx: Tx, groups: readonly string[]): Promise<PathOf> {
  const rows = groups.length
    ? await tx
        .selectFrom('hierarchy_group')
        .select(['id', 'path'])
        .where('id', 'in', [...new Set(groups)])
        .execute()
    : [];
  const paths = new Map(rows.map(({ id, path }) => [id, path]));
  return (group) => paths.get(group) ?? null;
}

/** Whoever is restricted on desks or accounts sees the groups that they are restricted to. */
export async function listGroups(tx: Tx, actor: Actor, { limit, after }: PageQuery) {
  const rule = demandAtAll(actor, 'Hierarchy.View');
  const roots = rootsSeen(actor);
  const rows = await tx
    .selectFrom('hierarchy_group')
    .select(['id', 'name', 'parent_id', 'level', 'path'])
    .$if(roots !== null, (query) => query.where(sql<boolean>`path && ${roots}::uuid[]`))
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(toGroup);
  return { rule, page: { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null } };
}

export async function addGroup(tx: Tx, actor: Actor, { name, parent }: AddGroupRequest): Promise<Change<Group>> {
  const rule = demandAtAll(actor, 'Hierarchy.Edit');
  await lockAccess(tx);
  const above = await parentPath(tx, actor, parent);
  const id = randomUUID();
  const group = { id, name, parent, level: above.length + 1, path: [...above, id] };
  await asConflict(
    tx
      .insertInto('hierarchy_group')
      .values({ tenant_id: actor.tenant, instance_id: NIL_ID, id, parent_id: parent, level: group.level, name, path: group.path })
      .execute(),
    'there is a group of this name already',
  );
  return { rule, after: group };
}

export async function changeGroup(tx: Tx, actor: Actor, id: string, change: ChangeGroupRequest): Promise<Change<Group>> {
  const rule = demandAtAll(actor, 'Hierarchy.Edit');
  await lockAccess(tx);
  const before = await findGroup(tx, actor, id);
  const { name = before.name, parent = before.parent } = change;
  const above = parent === before.parent ? before.path.slice(0, -1) : await parentPath(tx, actor, parent);
  if (above.includes(id)) throw new FleetFault('conflict', 'a group cannot be below itself', { path: 'parent' });
  const by = above.length + 1 - before.level;
  const { deepest } = await tx
    .selectFrom('hierarchy_group')
    .select((eb) => eb.fn.max('level').as('deepest'))
    .where(below(id))
    .executeTakeFirstOrThrow();
  if (deepest + by > MAX_LEVEL) throw new FleetFault('conflict', `the tree would have more than ${MAX_LEVEL} levels`, { path: 'parent' });
  await asConflict(
    tx
      .updateTable('hierarchy_group')
      .set({
        name: sql`case when id = ${id} then ${name} else name end`,
        parent_id: sql`case when id = ${id} then ${parent}::uuid else parent_id end`,
        level: sql`level + ${by}`,
        path: sql`${above}::uuid[] || path[${before.level}::int:]`,
      })
      .where(below(id))
      .execute(),
    'there is a group of this name already',
  );
  return { rule, before, after: { id, name, parent, level: before.level + by, path: [...above, id] } };
}

export async function deleteGroup(tx: Tx, actor: Actor, id: string): Promise<{ rule: string; before: Group }> {
  const rule = demandAtAll(actor, 'Hierarchy.Edit');
  await lockAccess(tx);
  const before = await findGroup(tx, actor, id);
  const { rows } = await sql<{ used: boolean }>`select
    exists(select from hierarchy_group where parent_id = ${id}) or exists(select from account where group_id = ${id})
    or exists(select from device where group_id = ${id})
    or exists(select from ticket where group_id = ${id} and revoked_at is null and used < max_uses) as used`.execute(tx);
  if (rows[0]?.used !== false) throw new FleetFault('conflict', 'the group is not empty: groups, accounts, desks or tickets are in it');
  await asConflict(tx.deleteFrom('hierarchy_group').where('id', '=', id).execute(), 'policies, waivers or releases name the group');
  return { rule, before };
}

const below = (id: string) => sql<boolean>`path @> array[${id}]::uuid[]`;

function toGroup(row: { id: string; name: string; parent_id: string | null; level: number; path: string[] }): Group {
  return { id: row.id, name: row.name, parent: row.parent_id, level: row.level, path: row.path };
}

async function findGroup(tx: Tx, actor: Actor, id: string): Promise<Group> {
  const row = await tx
    .selectFrom('hierarchy_group')
    .select(['id', 'name', 'parent_id', 'level', 'path'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row || !mayArrange(actor, row.path)) throw new FleetFault('not-found', 'there is no such group');
  return toGroup(row);
}

async function parentPath(tx: Tx, actor: Actor, parent: string | null): Promise<string[]> {
  const path = parent === null ? [] : await pathOfGroup(tx, parent);
  if (path === null || !mayArrange(actor, path)) throw new FleetFault('bad-request', 'there is no such group', { path: 'parent' });
  if (path.length >= MAX_LEVEL) throw new FleetFault('conflict', `the tree would have more than ${MAX_LEVEL} levels`, { path: 'parent' });
  return path;
}

// To move a group is to move what its people reach: whoever is restricted, in whatever, stays below the groups of that restriction.
function mayArrange(actor: Actor, path: readonly string[]): boolean {
  if (actor.conditions.length > 0) return false;
  return restrictions(actor, onGrouped).every((terms) => terms.some(({ under }) => under !== null && path.includes(under)));
}

function rootsSeen(actor: Actor): string[] | null {
  if (actor.conditions.length > 0) return [];
  const all = restrictions(actor, ['Devices.View', 'Users.View']);
  return all.length === 0 ? null : all.flatMap((terms) => terms.flatMap(({ under }) => under ?? []));
}

/** What is decided on desks and accounts, which alone have groups. */
const onGrouped = (Object.keys(permissions) as Permission[]).filter((permission) =>
  ['Device', 'User'].includes(permissions[permission].type),
);

function restrictions(actor: Actor, on: readonly Permission[]): (readonly Term[])[] {
  return on.flatMap((permission) => {
    const reach = reachOf(actor, permission);
    return reach.kind === 'some' ? [reach.terms] : [];
  });
}

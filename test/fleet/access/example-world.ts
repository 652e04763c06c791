import { createHash, randomUUID } from 'node:crypto';
import type { AccessControl, Permission } from '../../../contracts/console/access.ts';
import { type Actor, type Group, nobodyIn, type Profile } from '../../../fleet/access/actor.ts';
import type { Resource } from '../../../fleet/access/decide.ts';
import { type Db, NIL_ID } from '../../../fleet/db/tenancy.ts';

// The tree and the desks of the worked examples, requirements section 3.3.

export type GroupName = keyof typeof parents;
const parents = {
  EMEA: null,
  DE: 'EMEA',
  Berlin: 'DE',
  Claims: 'Berlin',
  TeamA: 'Claims',
  Sales: 'Berlin',
  Munich: 'DE',
  FR: 'EMEA',
  AMER: null,
  US: 'AMER',
  Austin: 'US',
} as const;

const placed = {
  D1: ['TeamA', { Dept: 'Claims', Mode: 'Office' }],
  D2: ['Claims', { Dept: 'Claims', Mode: 'Remote' }],
  D3: ['Sales', { Dept: 'Sales', Mode: 'Office' }],
  D4: ['Berlin', {}],
  D5: ['Munich', { Dept: 'Claims', Mode: 'Remote' }],
  D6: ['FR', { Dept: 'Claims', Mode: 'Office' }],
  D7: ['Austin', { Dept: 'Claims', Mode: 'Remote' }],
  D8: ['Austin', { Dept: 'sales' }],
  D9: [null, { Dept: 'Claims' }],
  D10: ['DE', { Dept: '' }],
  D11: ['EMEA', { Dept: 'Claims', Mode: '*' }],
} as const satisfies Record<string, readonly [GroupName | null, Readonly<Record<string, string>>]>;

export type DeskName = keyof typeof placed;
export const deskNames = Object.keys(placed) as DeskName[];

const ids = new Map<string, string>(Object.keys(parents).map((name) => [name, randomUUID()]));

export function groupId(name: GroupName): string {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`no group ${name}`);
  return id;
}

export function groupOf(name: GroupName): Group {
  const above: readonly string[] = parents[name] === null ? [] : groupOf(parents[name]).path;
  return { id: groupId(name), path: [...above, groupId(name)] };
}

export function deskResource(name: DeskName): Resource {
  const [group, tags] = placed[name];
  return { groupPath: group === null ? null : groupOf(group).path, tags };
}

export const own = { mode: 'own' } as const;
export const named = (group: GroupName | 'deleted') => ({
  mode: 'named' as const,
  groupId: group === 'deleted' ? '6f3a0f6e-0000-4000-8000-000000000000' : groupId(group),
});

type Restricted = AccessControl['hierarchyRestrictedResources'];

export function control(
  hierarchy: AccessControl['hierarchy'] | null,
  tags: Record<string, string> = {},
  on: Restricted = ['Device'],
): AccessControl {
  return {
    hierarchy: hierarchy ?? { mode: 'none' },
    hierarchyRestrictedResources: hierarchy ? on : [],
    tags,
    tagRestrictedResources: Object.keys(tags).length > 0 ? on : [],
  };
}

export function profile(accessControl: AccessControl | null, permissions: readonly Permission[] = ['Devices.View']): Profile {
  return { id: randomUUID(), name: randomUUID(), isDefault: false, permissions, accessControl };
}

export function actorIn(group: GroupName | null, profiles: readonly Profile[], more: Partial<Actor> = {}): Actor {
  return { ...nobodyIn(NIL_ID), kind: 'account', account: randomUUID(), group: group && groupOf(group), profiles, ...more };
}

/** Writes the tree and the desks; gives each desk's id. */
export async function storeExample(db: Db, { tenant, instance }: { tenant: string; instance: string }): Promise<Record<DeskName, string>> {
  const desks = Object.fromEntries(deskNames.map((name) => [name, randomUUID()])) as Record<DeskName, string>;
  await db.within({ tenant }, async (tx) => {
    for (const name of Object.keys(parents) as GroupName[]) {
      const { id, path } = groupOf(name);
      const parent = path.at(-2) ?? null;
      await tx
        .insertInto('hierarchy_group')
        .values({ tenant_id: tenant, instance_id: NIL_ID, id, parent_id: parent, level: path.length, name, path: [...path] })
        .execute();
    }
    await tx
      .insertInto('device')
      .values(
        deskNames.map((name) => {
          const [group, tags] = placed[name];
          return deviceRow({ tenant, instance, id: desks[name], group: group && groupId(group), tags });
        }),
      )
      .execute();
  });
  return desks;
}

export function deviceRow(desk: {
  tenant: string;
  instance: string;
  id: string;
  group: string | null;
  owner?: string | null;
  tags: Readonly<Record<string, string>>;
}) {
  const at = new Date('2026-03-01T08:00:00Z');
  return {
    tenant_id: desk.tenant,
    instance_id: desk.instance,
    id: desk.id,
    status: 'enrolled' as const,
    spki_hash: createHash('sha256').update(desk.id).digest(),
    host_name_sealed: Buffer.from('sealed'),
    host_name_index: Buffer.from(desk.id),
    platform: 'linux' as const,
    owner_id: desk.owner ?? null,
    group_id: desk.group,
    tags: JSON.stringify(desk.tags),
    enrolled_at: at,
    created_at: at,
    status_changed_at: at,
  };
}

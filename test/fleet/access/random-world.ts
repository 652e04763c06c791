import { randomUUID } from 'node:crypto';
import type { AccessControl, Permission } from '../../../contracts/console/access.ts';
import type { ReferenceProfile, ReferenceTree, ReferenceUser } from './reference-rule.ts';

/** Mulberry32: the same world for the same seed. */
export function randomOf(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  function pick<T>(items: readonly T[]): T {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
  return {
    below,
    pick,
    chance: (share: number) => next() < share,
    some: <T>(items: readonly T[], share: number) => items.filter(() => next() < share),
  };
}
export type Random = ReturnType<typeof randomOf>;

export const asked: readonly Permission[] = ['Devices.View', 'Devices.Edit', 'Waivers.Request', 'Users.View', 'Users.Edit'];
const grantable: readonly Permission[] = [...asked, 'Policies.View'];
// Few, alike, and awkward: case, empty, wildcard, quotes, a name of Object's, and more than one byte a character.
const keys = ['Dept', 'dept', 'Mode', 'constructor', '樓層'];
const values = ['Claims', 'claims', '', '*', 'a\'b"\\', '五樓', 'true'];

export interface RandomAccount {
  id: string;
  kind: 'oidc' | 'service';
  group: string | null;
  tags: Record<string, string>;
  profiles: readonly string[];
  conditions: Record<string, string>;
}
export interface RandomDesk {
  id: string;
  group: string | null;
  owner: string | null;
  tags: Record<string, string>;
}
export interface RandomProfile {
  id: string;
  permissions: Permission[];
  accessControl: AccessControl | null;
}
export interface RandomWorld {
  /** Parents before children. */
  groups: { id: string; parent: string | null }[];
  profiles: RandomProfile[];
  accounts: RandomAccount[];
  desks: RandomDesk[];
  guardrails: Permission[];
}

export function randomWorld(random: Random, size = 30): RandomWorld {
  const groups: RandomWorld['groups'] = [];
  const levels = new Map<string, number>();
  for (let count = 4 + random.below(10); count > 0; count--) {
    const parents = groups.filter(({ id }) => (levels.get(id) ?? 0) < 5);
    const parent = parents.length === 0 || random.chance(0.15) ? null : random.pick(parents).id;
    const id = randomUUID();
    levels.set(id, parent === null ? 1 : (levels.get(parent) ?? 0) + 1);
    groups.push({ id, parent });
  }
  const anyGroup = () => (random.chance(0.15) ? null : random.pick(groups).id);
  const profiles = Array.from({ length: 8 }, () => randomProfile(random, groups));
  const accounts = Array.from({ length: 10 }, (): RandomAccount => {
    const kind = random.chance(0.15) ? 'service' : 'oidc';
    const level = 1 + random.below(5);
    const conditions = kind === 'service' ? { [`deskwarden:HierarchyGroupL${level}Id`]: random.pick(groups).id } : {};
    const held = random.some(profiles, 0.28).map(({ id }) => id);
    return { id: randomUUID(), kind, group: anyGroup(), tags: randomTags(random), profiles: held, conditions };
  });
  const desks = Array.from({ length: size }, () => ({
    id: randomUUID(),
    group: anyGroup(),
    owner: random.chance(0.4) ? random.pick(accounts).id : null,
    tags: randomTags(random),
  }));
  return { groups, profiles, accounts, desks, guardrails: random.chance(0.15) ? [random.pick(asked)] : [] };
}

function randomTags(random: Random): Record<string, string> {
  return Object.fromEntries(random.some(keys, 0.45).map((key) => [key, random.pick(values)]));
}

function randomProfile(random: Random, groups: RandomWorld['groups']): RandomProfile {
  const permissions = random.some(grantable, 0.65);
  if (random.chance(0.15)) return { id: randomUUID(), permissions, accessControl: null };
  const root = random.chance(0.1) ? randomUUID() : random.pick(groups).id;
  const byHierarchy = random.chance(0.65) ? random.pick([['Device'], ['User'], ['Device', 'User']] as const) : [];
  const byTags = random.chance(0.55) ? random.pick([['Device'], ['User'], ['Device', 'User', 'Policy']] as const) : [];
  const count = 1 + random.below(2);
  const tags = Object.fromEntries(Array.from({ length: count }, () => [random.pick(keys), random.pick(values)]));
  if (byHierarchy.length + byTags.length === 0) return { id: randomUUID(), permissions, accessControl: null };
  return {
    id: randomUUID(),
    permissions,
    accessControl: {
      hierarchy: byHierarchy.length === 0 ? { mode: 'none' } : random.chance(0.5) ? { mode: 'own' } : { mode: 'named', groupId: root },
      hierarchyRestrictedResources: [...byHierarchy],
      tags: byTags.length === 0 ? {} : tags,
      tagRestrictedResources: [...byTags],
    },
  };
}

export function referenceUser(world: RandomWorld, account: RandomAccount): ReferenceUser {
  return {
    group: account.group,
    profiles: world.profiles.filter(({ id }) => account.profiles.includes(id)).map(referenceProfile),
    guardrails: world.guardrails,
    levels: Object.entries(account.conditions).map(([key, group]) => ({ level: Number(/\d/.exec(key)?.[0]), group })),
  };
}

function referenceProfile({ permissions, accessControl }: RandomProfile): ReferenceProfile {
  const hierarchy = accessControl?.hierarchy ?? { mode: 'none' };
  return {
    permissions,
    hierarchy: hierarchy.mode === 'named' ? { named: hierarchy.groupId } : hierarchy.mode,
    byHierarchy: accessControl?.hierarchyRestrictedResources ?? [],
    tags: Object.entries(accessControl?.tags ?? {}),
    byTags: accessControl?.tagRestrictedResources ?? [],
  };
}

export function referenceTree(world: RandomWorld): ReferenceTree {
  return new Map(world.groups.map(({ id, parent }) => [id, parent]));
}

export function effectiveGroup(world: RandomWorld, desk: RandomDesk): string | null {
  if (desk.owner === null) return desk.group;
  return world.accounts.find(({ id }) => id === desk.owner)?.group ?? null;
}

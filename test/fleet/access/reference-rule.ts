// Requirements section 3.2 once more, written from its words alone and as plainly as can be: no code of the server's is used, the
// tree is walked by parents instead of paths. What the server decides is compared with it.

export interface ReferenceProfile {
  permissions: readonly string[];
  hierarchy: 'none' | 'own' | { named: string };
  byHierarchy: readonly string[];
  tags: readonly (readonly [key: string, value: string])[];
  byTags: readonly string[];
}

export interface ReferenceUser {
  group: string | null;
  profiles: readonly ReferenceProfile[];
  guardrails: readonly string[];
  levels: readonly { level: number; group: string }[];
}

export interface ReferenceThing {
  type: string;
  group: string | null;
  tags: ReadonlyMap<string, string>;
}

/** Group to parent; a group that is not in it does not exist. */
export type ReferenceTree = ReadonlyMap<string, string | null>;

export function referenceMay(user: ReferenceUser, permission: string, thing: ReferenceThing, tree: ReferenceTree): boolean {
  const seeing = thing.type === 'Device' ? 'Devices.View' : 'Users.View';
  // S4-19: without View nothing is visible, and what is not visible cannot be touched.
  if (permission !== seeing && !referenceMay(user, seeing, thing, tree)) return false;
  // S4-07: a token's conditions.
  for (const { level, group } of user.levels) if (ancestryOf(thing.group, tree)[level - 1] !== group) return false;
  // 1.
  if (user.guardrails.includes(permission)) return false;
  // 2.
  const granting: ReferenceProfile[] = [];
  for (const profile of user.profiles) if (profile.permissions.includes(permission)) granting.push(profile);
  if (granting.length === 0) return false;
  // 3.
  for (const profile of granting) if (!restricts(profile, thing.type)) return true;
  // 4.
  for (const profile of granting) if (matches(profile, user, thing, tree)) return true;
  return false;
}

function restricts(profile: ReferenceProfile, type: string): boolean {
  if (profile.hierarchy !== 'none' && profile.byHierarchy.includes(type)) return true;
  return profile.tags.length > 0 && profile.byTags.includes(type);
}

// 5.
function matches(profile: ReferenceProfile, user: ReferenceUser, thing: ReferenceThing, tree: ReferenceTree): boolean {
  if (profile.hierarchy !== 'none' && profile.byHierarchy.includes(thing.type)) {
    const root = profile.hierarchy === 'own' ? user.group : profile.hierarchy.named;
    if (root === null || !tree.has(root)) return false;
    if (!ancestryOf(thing.group, tree).includes(root)) return false;
  }
  if (profile.byTags.includes(thing.type)) {
    for (const [key, value] of profile.tags) if (thing.tags.get(key) !== value) return false;
  }
  return true;
}

/** From the root down to the group. */
function ancestryOf(group: string | null, tree: ReferenceTree): string[] {
  const chain: string[] = [];
  for (let at: string | null = group; at !== null && tree.has(at); at = tree.get(at) ?? null) chain.unshift(at);
  return chain;
}

import type { AccessControl } from '../../contracts/console/access.ts';
import type { Actor, LevelCondition, Profile } from './actor.ts';
import { type Permission, permissions, type ResourceType, viewOf } from './permission.ts';

// Requirements section 3.2. Both the decision here and the SQL of filter.ts are read off the same `Scope`.

/** What a decision looks at: the current group of the resource with its ancestors, and its current tags. */
export interface Resource {
  /** From the root to the resource's own group; null without a group. */
  groupPath: readonly string[] | null;
  tags: Readonly<Record<string, string>>;
}

/** What one profile asks of a resource; all of it must hold. */
export interface Term {
  rule: string;
  /** The resource's group is this one or below it. */
  under: string | null;
  tags: Readonly<Record<string, string>>;
}

/** How far one permission reaches, before anything is looked at. */
export type Reach =
  | { kind: 'nothing'; rule: string; explicit: boolean }
  | { kind: 'everything'; rule: string }
  /** What any of the terms fits; no term fits nothing. */
  | { kind: 'some'; rule: string; terms: readonly Term[] };

/** The reach of seeing, where the type has one; the reach of the permission; what binds a service's token. All must hold. */
export interface Scope {
  view: Reach | null;
  asked: Reach;
  levels: readonly LevelCondition[];
}

export interface Decision {
  allowed: boolean;
  /** Whether the caller may know that the resource exists: an unseen one is answered with 404, a seen one with 403. */
  seen: boolean;
  /** Denied by a guardrail, whatever else is granted. */
  explicit: boolean;
  rule: string;
}

export function enforcesOn({ accessControl }: Pick<Profile, 'accessControl'>, type: ResourceType): boolean {
  return accessControl !== null && (byHierarchy(accessControl, type) || byTags(accessControl, type));
}

export function isGranular({ accessControl }: Pick<Profile, 'accessControl'>): boolean {
  return accessControl !== null;
}

function byHierarchy(control: AccessControl, type: ResourceType): boolean {
  return control.hierarchy.mode !== 'none' && (control.hierarchyRestrictedResources as readonly ResourceType[]).includes(type);
}

function byTags(control: AccessControl, type: ResourceType): boolean {
  return Object.keys(control.tags).length > 0 && (control.tagRestrictedResources as readonly ResourceType[]).includes(type);
}

/** Null: the profile's conditions can hold for nothing. */
function termOf(profile: Profile, type: ResourceType, actor: Pick<Actor, 'group'>, rule: string): Term | null {
  const control = profile.accessControl;
  if (control === null) return { rule, under: null, tags: {} };
  const tags = byTags(control, type) ? control.tags : {};
  if (!byHierarchy(control, type)) return { rule, under: null, tags };
  const root = control.hierarchy.mode === 'named' ? control.hierarchy.groupId : (actor.group?.id ?? null);
  return root === null ? null : { rule, under: root, tags };
}

export function reachOf(actor: Actor, permission: Permission): Reach {
  if (actor.kind === 'operator') return { kind: 'everything', rule: 'operator' };
  const guardrail = actor.guardrails.find(({ deny }) => deny.includes(permission));
  if (guardrail) return { kind: 'nothing', rule: `acl.rule1.${guardrail.name}`, explicit: true };
  return grantOf(actor, permission);
}

/** Rules 2 to 5: what the profiles grant, guardrails apart. */
export function grantOf(actor: Pick<Actor, 'profiles' | 'group'>, permission: Permission): Reach {
  const { type } = permissions[permission];
  const granting = [...actor.profiles.entries()].filter(([, profile]) => profile.permissions.includes(permission));
  if (granting.length === 0) return { kind: 'nothing', rule: 'acl.rule2', explicit: false };
  const open = granting.find(([, profile]) => !enforcesOn(profile, type));
  if (open) return { kind: 'everything', rule: `acl.rule3.p${open[0] + 1}` };
  const terms = granting.flatMap(([at, profile]) => termOf(profile, type, actor, `acl.rule4.p${at + 1}`) ?? []);
  return { kind: 'some', rule: 'acl.rule4', terms };
}

export function scopeOf(actor: Actor, permission: Permission): Scope {
  const view = viewOf[permissions[permission].type];
  return {
    view: view === null || view === permission ? null : reachOf(actor, view),
    asked: reachOf(actor, permission),
    levels: actor.conditions,
  };
}

function judge(reach: Reach, resource: Resource): Omit<Decision, 'seen'> {
  if (reach.kind === 'nothing') return { allowed: false, explicit: reach.explicit, rule: reach.rule };
  if (reach.kind === 'everything') return { allowed: true, explicit: false, rule: reach.rule };
  const term = reach.terms.find((candidate) => fits(candidate, resource));
  return { allowed: term !== undefined, explicit: false, rule: term?.rule ?? reach.rule };
}

function fits({ under, tags }: Term, resource: Resource): boolean {
  if (under !== null && !resource.groupPath?.includes(under)) return false;
  return Object.entries(tags).every(([key, value]) => Object.hasOwn(resource.tags, key) && resource.tags[key] === value);
}

/**
 * May the actor use the permission on this resource? On none (`null`): on anything at all, which is what a route asks before it
 * knows of whom the call is. The type is the permission's own.
 */
export function may(actor: Actor, permission: Permission, resource: Resource | null): Decision {
  const { view, asked, levels } = scopeOf(actor, permission);
  if (resource === null) {
    // Nothing but desks and accounts has a group, so that StringEquals holds for nothing else.
    if (levels.length > 0 && !hasGroup(permissions[permission].type)) return unseenBy('acl.conditions');
    const refused = [view, asked].find((reach) => reach?.kind === 'nothing');
    if (refused?.kind === 'nothing') return { allowed: false, seen: false, explicit: refused.explicit, rule: refused.rule };
    return { allowed: true, seen: true, explicit: false, rule: asked.rule };
  }
  if (!levels.every(({ level, group }) => resource.groupPath?.[level - 1] === group)) return unseenBy('acl.conditions');
  const sight = view && judge(view, resource);
  if (sight && !sight.allowed) return { ...sight, seen: false };
  const decision = judge(asked, resource);
  return { ...decision, seen: sight !== null || decision.allowed };
}

function hasGroup(type: ResourceType): boolean {
  return type === 'Device' || type === 'User';
}

function unseenBy(rule: string): Decision {
  return { allowed: false, seen: false, explicit: false, rule };
}

/** Rule 9: before and after the change. What did not exist before is asked for after it alone. */
export function mayChange(actor: Actor, permission: Permission, before: Resource | null, after: Resource): Decision & { outside: boolean } {
  const first = before && may(actor, permission, before);
  if (first && !first.allowed) return { ...first, outside: false };
  const then = may(actor, permission, after);
  return { ...then, seen: first?.seen ?? true, outside: first !== null && !then.allowed };
}

/** Whether the change history of things of this type is closed to the actor, of those in the actor's own scope too (3.4). */
export function historyClosed(actor: Actor, type: ResourceType): boolean {
  const view = viewOf[type];
  return view !== null && (reachOf(actor, view).kind !== 'everything' || actor.conditions.length > 0);
}

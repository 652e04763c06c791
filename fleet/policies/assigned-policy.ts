import type { Tx } from '../db/tenancy.ts';
import type { DeskPlace } from './desk-places.ts';

export interface Assignment {
  id: string;
  policy: string;
  /** A group with all below it, or a tag; neither: every desk of the instance. */
  group: string | null;
  tag: { key: string; value: string } | null;
  priority: number;
}

/** The highest priority first. */
export async function readAssignments(tx: Tx, instance: string): Promise<Assignment[]> {
  const rows = await tx
    .selectFrom('policy_assignment')
    .selectAll()
    .where('instance_id', '=', instance)
    .orderBy('priority', 'desc')
    .execute();
  return rows.map(({ id, policy_id: policy, group_id: group, tag_key: key, tag_value: value, priority }) => ({
    id,
    policy,
    group,
    tag: key === null ? null : { key, value: value ?? '' },
    priority,
  }));
}

/** Id of the policy that a desk in this place is to obey. `assignments` with the highest priority first. */
export function policyAt(place: DeskPlace, assignments: readonly Assignment[]): string | null {
  return assignments.find((assignment) => reaches(assignment, place))?.policy ?? null;
}

function reaches({ group, tag }: Assignment, { path, tags }: DeskPlace): boolean {
  if (group !== null) return path.includes(group);
  if (tag !== null) return Object.hasOwn(tags, tag.key) && tags[tag.key] === tag.value;
  return true;
}

/** Of each desk the policy that it is to obey; those that none is assigned to are not in it. */
export async function assignedPolicies(tx: Tx, instance: string, places: ReadonlyMap<string, DeskPlace>): Promise<Map<string, string>> {
  const assignments = await readAssignments(tx, instance);
  return new Map(
    [...places].flatMap(([device, place]) => {
      const policy = policyAt(place, assignments);
      return policy === null ? [] : [[device, policy] as const];
    }),
  );
}

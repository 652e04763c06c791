import type { Tx } from '../db/tenancy.ts';
import { type Assignment, policyAt } from './assigned-policy.ts';
import { enrolledPlaces } from './desk-places.ts';

/** Of each policy the enrolled desks that obey it, or would under these assignments. */
export async function reachedDesks(tx: Tx, instance: string, assignments: readonly Assignment[]): Promise<Map<string, Set<string>>> {
  const sorted = assignments.toSorted((a, b) => b.priority - a.priority);
  const reached = new Map<string, Set<string>>();
  for (const [device, place] of await enrolledPlaces(tx, instance)) {
    const policy = policyAt(place, sorted);
    if (policy === null) continue;
    const desks = reached.get(policy) ?? new Set();
    desks.add(device);
    reached.set(policy, desks);
  }
  return reached;
}

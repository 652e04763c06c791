import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { AssignmentTarget } from '../../contracts/console/policies.ts';
import type { Resource } from '../access/decide.ts';
import { pathOfGroup } from '../access/hierarchy.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import { FleetFault } from '../http/fault.ts';
import { type Assignment, readAssignments } from './assigned-policy.ts';
import { publishedPolicies, readResolvedIfItCan } from './policy-content.ts';
import { reachedDesks } from './reached-desks.ts';

export interface AssignmentRequest {
  policy: string;
  target: AssignmentTarget;
  priority: number;
  acceptDesks: number | undefined;
}

/**
 * Desks come under a policy by whoever sees every one of them (requirements 3.5). A target stands as the desk that has nothing but
 * what makes it one: whoever may see that one may see all.
 */
export async function resourceOfTarget(tx: Tx, target: AssignmentTarget): Promise<Resource> {
  return {
    groupPath: target.kind === 'group' ? await pathOfGroup(tx, target.group) : null,
    tags: target.kind === 'tag' ? { [target.key]: target.value } : {},
  };
}

export async function assignPolicy(tx: Tx, instance: DocumentInstance, request: AssignmentRequest, now: Date): Promise<string> {
  const { policy, target, priority } = request;
  await lockAssignments(tx, instance);
  const published = await publishedPolicies(tx, instance.id, [policy]);
  if (!published.has(policy))
    throw new FleetFault('conflict', 'there is no published revision of this policy: publish one, then assign it');
  if (target.kind === 'group' && !(await isGroup(tx, target.group))) {
    throw new FleetFault('bad-request', 'there is no such group', { path: 'body.target.group' });
  }
  const before = await readAssignments(tx, instance.id);
  if (before.some((other) => other.priority === priority)) {
    throw new FleetFault('conflict', `another assignment has priority ${priority}`, { path: 'body.priority' });
  }
  const made: Assignment = {
    id: randomUUID(),
    policy,
    group: target.kind === 'group' ? target.group : null,
    tag: target.kind === 'tag' ? { key: target.key, value: target.value } : null,
    priority,
  };
  await demandDesks(tx, instance, before, [...before, made], request.acceptDesks);
  await tx
    .insertInto('policy_assignment')
    .values({
      tenant_id: instance.tenant,
      instance_id: instance.id,
      id: made.id,
      policy_id: policy,
      group_id: made.group,
      tag_key: made.tag?.key ?? null,
      tag_value: made.tag?.value ?? null,
      priority,
    })
    .execute();
  await markAssigned(tx, instance, now);
  return made.id;
}

/** Desks that nothing is assigned to afterwards stay with what they hold. */
export async function unassignPolicy(
  tx: Tx,
  instance: DocumentInstance,
  { assignment, acceptDesks, restricted = false }: { assignment: string; acceptDesks: number | undefined; restricted?: boolean },
  now: Date,
): Promise<Assignment> {
  await lockAssignments(tx, instance);
  const before = await readAssignments(tx, instance.id);
  const gone = before.find(({ id }) => id === assignment);
  if (!gone) throw new FleetFault('not-found', 'there is no such assignment');
  const after = before.filter(({ id }) => id !== assignment);
  await demandDesks(tx, instance, before, after, acceptDesks, restricted);
  await tx.deleteFrom('policy_assignment').where('instance_id', '=', instance.id).where('id', '=', assignment).execute();
  await markAssigned(tx, instance, now);
  return gone;
}

/** An assignment can close gates as a policy can: refused unless the number of desks that come under enforcement is accepted. */
async function demandDesks(
  tx: Tx,
  instance: DocumentInstance,
  before: readonly Assignment[],
  after: readonly Assignment[],
  accepted: number | undefined,
  /** May not see all of them: is not told how many there are. */
  restricted = false,
): Promise<void> {
  const policies = [...new Set(after.map(({ policy }) => policy))];
  const enforcing: string[] = [];
  for (const [policy, { revision }] of await publishedPolicies(tx, instance.id, policies)) {
    const read = await readResolvedIfItCan(tx, instance.id, policy, revision);
    if (!read || read.gate.mode === 'enforce') enforcing.push(policy);
  }
  if (enforcing.length === 0) return;
  const [was, is] = [await reachedDesks(tx, instance.id, before), await reachedDesks(tx, instance.id, after)];
  const newly = enforcing.flatMap((policy) => [...(is.get(policy) ?? [])].filter((desk) => !was.get(policy)?.has(desk))).length;
  if (newly === 0 || newly === accepted) return;
  const said = restricted
    ? 'desks would come under a policy that enforces: their number must be accepted, by somebody who may see every desk'
    : `${newly} desks would come under a policy that enforces: accept exactly that number`;
  throw new FleetFault('preview-needed', said, { path: 'acceptDesks' });
}

async function lockAssignments(tx: Tx, { tenant, id }: DocumentInstance): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`assignments ${tenant} ${id}`}, 0))`.execute(tx);
}

async function markAssigned(tx: Tx, { id }: DocumentInstance, now: Date): Promise<void> {
  await tx.updateTable('instance').set({ assigned_at: now }).where('instance_id', '=', id).execute();
}

async function isGroup(tx: Tx, group: string): Promise<boolean> {
  return (await tx.selectFrom('hierarchy_group').select('id').where('id', '=', group).executeTakeFirst()) !== undefined;
}

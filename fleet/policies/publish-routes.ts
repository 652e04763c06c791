import { z } from 'zod';
import {
  AssignAnswer,
  AssignmentParams,
  AssignmentsAnswer,
  AssignRequest,
  InstanceParams,
  PublishAnswer,
  PublishRequest,
  RevisionParams,
  RollbackAnswer,
  UnassignQuery,
} from '../../contracts/console/policies.ts';
import { may } from '../access/decide.ts';
import { demand } from '../access/refusal.ts';
import { demandFreshMfa } from '../access/step-up.ts';
import type { IssuingDeps } from '../documents/issue.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { assignPolicy, resourceOfTarget, unassignPolicy } from './assign.ts';
import { type Assignment, readAssignments } from './assigned-policy.ts';
import { demandPolicy, seesEveryDesk, theInstance, writerOf } from './policy-access.ts';
import { publishRevision } from './publish.ts';
import { rollBack } from './revisions.ts';

const revision = '/api/v1/instances/:instance/policies/:policy/revisions/:revision';
const assignments = '/api/v1/instances/:instance/assignments';

/** What changes the orders of desks: each with a second factor that is fresh. */
export function publishRoutes(deps: IssuingDeps): readonly Route[] {
  return [
    consoleRoute({
      method: 'POST',
      path: `${revision}/publish`,
      summary: 'Sign a revision, so that desks obey it',
      who: 'signed-in',
      needs: 'Policies.Publish',
      params: RevisionParams,
      body: PublishRequest,
      answer: PublishAnswer,
      async handle({ tx, actor, params, body, now, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Publish'));
        demandFreshMfa(actor, now);
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'policy', id: params.policy });
        audit({ type: 'policy-revision', id: `${params.policy}@${params.revision}` }, { after: body });
        const { policy, revision } = params;
        const given = { policy, revision, accept: body.accept, by: writerOf(actor), restricted: !seesEveryDesk(actor) };
        return { document: await publishRevision(deps, tx, instance, given) };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: `${revision}/rollback`,
      summary: 'A new draft that says what this revision said',
      who: 'signed-in',
      needs: 'Policies.Edit',
      params: RevisionParams,
      answer: RollbackAnswer,
      status: 201,
      async handle({ tx, actor, params, now, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Edit'));
        const instance = await theInstance(tx, params.instance);
        const made = await rollBack(tx, instance, { policy: params.policy, to: params.revision, by: writerOf(actor), now });
        audit({ type: 'policy', id: params.policy });
        audit({ type: 'policy-revision', id: `${params.policy}@${made}` }, { after: { from: params.revision } });
        return { revision: made };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: assignments,
      summary: 'Where each policy applies, the highest priority first',
      who: 'signed-in',
      needs: 'Policies.View',
      params: InstanceParams,
      answer: AssignmentsAnswer,
      async handle({ tx, actor, params, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'instance', id: instance.id });
        return { items: (await readAssignments(tx, instance.id)).map(viewAssignment) };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: assignments,
      summary: 'Have the desks of a group, of a tag, or all obey a policy',
      who: 'signed-in',
      needs: 'Policies.Publish',
      params: InstanceParams,
      body: AssignRequest,
      answer: AssignAnswer,
      status: 201,
      async handle({ tx, actor, params, body, now, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Publish'));
        demandFreshMfa(actor, now);
        const instance = await theInstance(tx, params.instance);
        demand(may(actor, 'Devices.View', await resourceOfTarget(tx, body.target)));
        const id = await assignPolicy(tx, instance, { ...body, acceptDesks: body.acceptDesks }, now);
        audit({ type: 'policy', id: body.policy });
        audit({ type: 'policy-assignment', id }, { after: body });
        return { id };
      },
    }),
    consoleRoute({
      method: 'DELETE',
      path: `${assignments}/:assignment`,
      summary: 'End an assignment; desks that none reaches any more keep what they have',
      who: 'signed-in',
      needs: 'Policies.Publish',
      params: AssignmentParams,
      query: UnassignQuery,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, params, query, now, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Publish'));
        demandFreshMfa(actor, now);
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'policy-assignment', id: params.assignment });
        const given = { assignment: params.assignment, acceptDesks: query.acceptDesks, restricted: !seesEveryDesk(actor) };
        const gone = await unassignPolicy(tx, instance, given, now);
        audit({ type: 'policy', id: gone.policy }, { before: gone });
        return null;
      },
    }),
  ];
}

function viewAssignment({ id, policy, group, tag, priority }: Assignment) {
  if (group !== null) return { id, policy, priority, target: { kind: 'group' as const, group } };
  if (tag !== null) return { id, policy, priority, target: { kind: 'tag' as const, ...tag } };
  return { id, policy, priority, target: { kind: 'all' as const } };
}

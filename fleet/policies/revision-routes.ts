import { catalog } from '../../checks/catalog.ts';
import { policySchema } from '../../checks/policy-schema.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import {
  DiffQuery,
  InstanceParams,
  PageQuery,
  PoliciesAnswer,
  PolicyDiffAnswer,
  PolicyParams,
  PolicyPutAnswer,
  PolicyRevisionAnswer,
  PolicyRevisionsAnswer,
  PolicySchemaAnswer,
  PolicyText,
  PolicyValidateAnswer,
  RevisionParams,
} from '../../contracts/console/policies.ts';
import { Policy } from '../../contracts/policy.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { listPolicies, listRevisions } from './list-revisions.ts';
import { demandPolicy, theInstance, writerOf } from './policy-access.ts';
import { diffPolicies, writeDiff } from './policy-diff.ts';
import { readPolicyText, readRevision, refuseProblems, storeRevision, viewRevision, writeOut } from './revisions.ts';

export interface PolicyTextDeps {
  /** The allowlist that the desks of an instance obey: policies name its rows. */
  allowlistOf(tx: Tx, instance: string): Promise<Allowlist>;
}

const base = '/api/v1/instances/:instance/policies';

/** Reading and writing policies; nothing here changes what a desk obeys. */
export function revisionRoutes({ allowlistOf }: PolicyTextDeps): readonly Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/policies/schema',
      summary: 'JSON Schema of a policy file, for editors',
      who: 'signed-in',
      needs: 'Policies.View',
      answer: PolicySchemaAnswer,
      async handle({ audit }) {
        audit({ type: 'policy-schema', id: '1' });
        return { ...policySchema() };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: `${base}/validate`,
      summary: 'What is wrong with a policy, by line; stores nothing',
      who: 'signed-in',
      needs: 'Policies.View',
      params: InstanceParams,
      body: PolicyText,
      answer: PolicyValidateAnswer,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'instance', id: instance.id });
        const read = readPolicyText(body.source, instance, { checks: catalog, allowlist: await allowlistOf(tx, instance.id) });
        return read.ok ? { ok: true as const, resolved: resolvePolicy(read.file, catalog) } : read;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: base,
      summary: 'The policies of an instance',
      who: 'signed-in',
      needs: 'Policies.View',
      params: InstanceParams,
      query: PageQuery,
      answer: PoliciesAnswer,
      async handle({ tx, actor, params, query, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'instance', id: instance.id });
        return listPolicies(tx, instance.id, query.limit, query.after ?? '');
      },
    }),
    consoleRoute({
      method: 'PUT',
      path: `${base}/:policy`,
      summary: 'Store a policy as a draft; the same text again stores nothing',
      who: 'signed-in',
      needs: 'Policies.Edit',
      params: PolicyParams,
      body: PolicyText,
      answer: PolicyPutAnswer,
      async handle({ tx, actor, params, body, now, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Edit'));
        const instance = await theInstance(tx, params.instance);
        const facts = { checks: catalog, allowlist: await allowlistOf(tx, instance.id) };
        const read = readPolicyText(body.source, instance, facts, params.policy);
        if (!read.ok) throw refuseProblems(read.problems);
        const stored = await storeRevision(tx, instance, {
          file: read.file,
          source: body.source,
          checks: catalog,
          by: writerOf(actor),
          now,
        });
        audit({ type: 'policy', id: params.policy });
        audit({ type: 'policy-revision', id: `${params.policy}@${stored.revision}` }, { after: body.source });
        return stored;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: `${base}/:policy/revisions`,
      summary: 'Revisions of a policy, newest first',
      who: 'signed-in',
      needs: 'Policies.View',
      params: PolicyParams,
      query: PageQuery,
      answer: PolicyRevisionsAnswer,
      async handle({ tx, actor, params, query, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'policy', id: params.policy });
        return listRevisions(tx, instance.id, params.policy, query.limit, query.after);
      },
    }),
    consoleRoute({
      method: 'GET',
      path: `${base}/:policy/revisions/:revision`,
      summary: 'A revision as it was written, and with every rule written out',
      who: 'signed-in',
      needs: 'Policies.View',
      params: RevisionParams,
      answer: PolicyRevisionAnswer,
      async handle({ tx, actor, params, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const row = await theRevision(tx, params.instance, params.policy, params.revision);
        audit({ type: 'policy-revision', id: `${params.policy}@${params.revision}` });
        return { ...viewRevision(row), source: row.source, writtenOut: writeOut(row.resolved), resolved: { ...row.resolved } };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: `${base}/:policy/diff`,
      summary: 'What changes from one revision to another, by rule and key',
      who: 'signed-in',
      needs: 'Policies.View',
      params: PolicyParams,
      query: DiffQuery,
      answer: PolicyDiffAnswer,
      async handle({ tx, actor, params, query, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const from = await theRevision(tx, params.instance, params.policy, query.from);
        const to = await theRevision(tx, params.instance, params.policy, query.to);
        audit({ type: 'policy', id: params.policy });
        const changes = diffPolicies(from.resolved, to.resolved);
        return { changes, text: writeDiff(changes) };
      },
    }),
  ];
}

async function theRevision(tx: Tx, instance: string, policy: string, revision: number) {
  const row = await readRevision(tx, (await theInstance(tx, instance)).id, policy, revision);
  if (!row) throw new FleetFault('not-found', 'there is no such thing');
  return { ...row, resolved: Policy.parse(row.resolved) };
}

import { z } from 'zod';
import { InstanceParams, SignatureParams, SignatureRequest, UnsignedAnswer } from '../../contracts/console/policies.ts';
import { DocumentsAnswer } from '../../contracts/fleet-api.ts';
import { DocumentKind, MAX_REVISION } from '../../contracts/signed-document.ts';
import { demandFreshMfa } from '../access/step-up.ts';
import { consoleRoute, deviceRoute, type Route } from '../http/route.ts';
import { demandPolicy, theInstance } from '../policies/policy-access.ts';
import { documentsFor, type OrderDeps } from './desk-orders.ts';
import { acceptSignature, awaitedSignatures } from './offline-signing.ts';

const base = '/api/v1/instances/:instance/documents';

export function documentRoutes(deps: OrderDeps): readonly Route[] {
  return [
    deviceRoute({
      method: 'GET',
      path: '/device/v1/documents/:kind',
      summary: 'What the desk is to obey: the newest; of keys every rotation since, oldest first',
      who: 'device',
      params: z.strictObject({ kind: DocumentKind }),
      query: z.strictObject({ after: z.coerce.number().int().nonnegative().max(MAX_REVISION) }),
      answer: DocumentsAnswer,
      async handle({ tx, device, params, query, audit }) {
        audit({ type: 'document', id: params.kind });
        return { schema: 1 as const, documents: await documentsFor(deps, tx, device, params.kind, query.after) };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: `${base}/unsigned`,
      summary: 'Documents that wait for a signature of the offline key, in the order to sign them',
      who: 'signed-in',
      needs: 'Policies.Publish',
      params: InstanceParams,
      answer: UnsignedAnswer,
      async handle({ tx, actor, params, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Publish'));
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'instance', id: instance.id });
        const awaited = await awaitedSignatures(deps, tx, instance);
        return { items: awaited.map(({ askedAt, ...item }) => ({ ...item, askedAt: askedAt.toISOString() })) };
      },
    }),
    consoleRoute({
      method: 'PUT',
      path: `${base}/:kind/:revision/signature`,
      summary: 'Bring in a signature that was made offline',
      who: 'signed-in',
      needs: 'Policies.Publish',
      params: SignatureParams,
      body: SignatureRequest,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, params, body, now, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.Publish'));
        demandFreshMfa(actor, now);
        const { kind, revision } = params;
        const instance = await theInstance(tx, params.instance);
        audit({ type: 'document', id: `${kind}@${revision}` });
        await acceptSignature(deps, tx, instance, { kind, revision, signature: Buffer.from(body.signature, 'base64url') });
        return null;
      },
    }),
  ];
}

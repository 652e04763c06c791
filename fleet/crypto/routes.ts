import { sql } from 'kysely';
import {
  AddSealingKeyRequest,
  EncryptionAnswer,
  InstanceParams,
  SealedAnswer,
  SealedParams,
  SealingKeyParams,
  SealingKeysAnswer,
} from '../../contracts/console/encryption.ts';
import { deviceFilter } from '../access/filter.ts';
import { demandAtAll } from '../access/refusal.ts';
import { demandFreshMfa } from '../access/step-up.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { readEncryption } from './encryption-status.ts';
import { type KeyChangeDeps, rotateOwnKey } from './key-change.ts';
import { addSealingKey, readSealingKeys, retireSealingKey } from './sealing-keys.ts';

const base = '/api/v1/instances/:instance';

/** Keys of an instance: the one that wraps what the server seals, and the tenant's own, to which desks seal. */
export function encryptionRoutes(deps: KeyChangeDeps): readonly Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: `${base}/encryption`,
      summary: 'The key under which the data of an instance is sealed',
      who: 'signed-in',
      needs: 'Encryption.View',
      params: InstanceParams,
      answer: EncryptionAnswer,
      async handle({ tx, actor, params, decidedBy }) {
        decidedBy(demandAtAll(actor, 'Encryption.View'));
        const status = await readEncryption(tx, { tenant: actor.tenant, instance: params.instance });
        if (!status) throw new FleetFault('not-found', 'there is no such thing');
        return status;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: `${base}/encryption/rotate`,
      summary: 'Have a new key follow the present one; what is sealed is wrapped anew in the background',
      who: 'signed-in',
      needs: 'Encryption.Change',
      params: InstanceParams,
      answer: EncryptionAnswer,
      status: 202,
      async handle({ tx, actor, params, now, requestId, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'Encryption.Change'));
        demandFreshMfa(actor, now);
        const owner = { tenant: actor.tenant, instance: params.instance };
        const before = await readEncryption(tx, owner);
        if (!before) throw new FleetFault('not-found', 'there is no such thing');
        if (before.updateStatus === 'IN_PROGRESS') throw new FleetFault('conflict', 'another change of the key is under way');
        const by = {
          type: 'AssumedRole' as const,
          principal: actor.account,
          mfaAuthenticated: actor.mfaAt !== null,
          // Where the call came from is in the audit's record of it, sealed.
          sourceIp: 'audit',
          userAgent: 'audit',
          requestId,
        };
        const after = await rotateOwnKey(deps, owner, by);
        audit({ type: 'instance', id: params.instance }, { before, after });
        return after;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: `${base}/sealing-keys`,
      summary: 'Public keys to which desks seal restricted fields',
      who: 'signed-in',
      needs: 'Encryption.View',
      params: InstanceParams,
      answer: SealingKeysAnswer,
      async handle({ tx, actor, params, decidedBy }) {
        decidedBy(demandAtAll(actor, 'Encryption.View'));
        return { items: await readSealingKeys(tx, params.instance) };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: `${base}/sealing-keys`,
      summary: 'Add a public key (X25519); desks seal to it once they hold the document that names it. Two may be active',
      who: 'signed-in',
      needs: 'Encryption.Change',
      params: InstanceParams,
      body: AddSealingKeyRequest,
      answer: SealingKeysAnswer,
      status: 201,
      async handle({ tx, actor, params, body, now, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'Encryption.Change'));
        demandFreshMfa(actor, now);
        const items = await addSealingKey(tx, params.instance, body, now);
        audit({ type: 'instance', id: params.instance }, { after: body });
        return { items };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: `${base}/sealing-keys/:kid/retire`,
      summary: 'Have desks seal to it no more; what is sealed to it is taken for another 24 h, and refused from then on',
      who: 'signed-in',
      needs: 'Encryption.Change',
      params: SealingKeyParams,
      answer: SealingKeysAnswer,
      async handle({ tx, actor, params, now, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'Encryption.Change'));
        demandFreshMfa(actor, now);
        const items = await retireSealingKey(tx, params.instance, params.kid, now);
        audit({ type: 'instance', id: params.instance }, { after: { retired: params.kid } });
        return { items };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/desks/:id/sealed',
      summary: 'Restricted fields of a desk as it sealed them, for whoever holds the private key; the audit names who read them',
      who: 'signed-in',
      needs: 'Devices.View',
      params: SealedParams,
      answer: SealedAnswer,
      async handle({ tx, actor, params, audit }) {
        audit({ type: 'Device', id: params.id });
        const { rows } = await sql<{ jwe: string; receivedAt: Date }>`
          select f.jwe, f.received_at as "receivedAt" from device d
          join sealed_fields f on f.tenant_id = d.tenant_id and f.device_id = d.id
          where d.id = ${params.id} and d.status = 'enrolled' and f.jwe is not null and ${deviceFilter(actor, 'Devices.View', 'd')}`.execute(
          tx,
        );
        const [found] = rows;
        if (!found) throw new FleetFault('not-found', 'there is no such thing');
        return { jwe: found.jwe, receivedAt: found.receivedAt.toISOString() };
      },
    }),
  ];
}

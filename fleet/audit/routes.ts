import {
  AuditAnswer,
  AuditQuery,
  ChangesAnswer,
  ChangesQuery,
  DeskChangesParams,
  PolicyChangesParams,
} from '../../contracts/console/audit.ts';
import type { Actor } from '../access/actor.ts';
import { historyClosed } from '../access/decide.ts';
import { deviceFilter } from '../access/filter.ts';
import { demandAtAll } from '../access/refusal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { changesOf, searchAudit } from './search.ts';

export function auditRoutes({ keyring }: { keyring: Keyring }): readonly Route[] {
  const list = consoleRoute({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Every call and who made it, newest first',
    who: 'signed-in',
    needs: 'Audit.View',
    query: AuditQuery,
    answer: AuditAnswer,
    async handle({ tx, actor, query }) {
      // The log names desks and people of all groups.
      if (seesPart(actor, 'Devices.View', 'Device') || seesPart(actor, 'Users.View', 'User')) throw restricted();
      return searchAudit(tx, keyring, actor.tenant, query);
    },
  });

  const ofDesk = consoleRoute({
    method: 'GET',
    path: '/api/v1/desks/:id/changes',
    summary: 'Who changed what of a desk; closed to whoever sees only a part of the desks',
    who: 'signed-in',
    needs: 'ChangeHistory.View',
    params: DeskChangesParams,
    query: ChangesQuery,
    answer: ChangesAnswer,
    async handle({ tx, actor, params, query, audit }) {
      audit({ type: 'device', id: params.id });
      const seen = await tx
        .selectFrom('device')
        .select('device.id')
        .where('device.id', '=', params.id)
        .where(deviceFilter(actor, 'Devices.View'))
        .executeTakeFirst();
      if (!seen) throw new FleetFault('not-found', 'there is no such thing');
      if (historyClosed(actor, 'Device')) throw restricted();
      return answerOf(tx, { type: 'device', id: params.id }, query);
    },
  });

  const ofPolicy = consoleRoute({
    method: 'GET',
    path: '/api/v1/policies/:id/changes',
    summary: 'Who changed what of a policy',
    who: 'signed-in',
    needs: 'ChangeHistory.View',
    params: PolicyChangesParams,
    query: ChangesQuery,
    answer: ChangesAnswer,
    async handle({ tx, actor, params, query, audit, decidedBy }) {
      audit({ type: 'policy', id: params.id });
      decidedBy(demandAtAll(actor, 'Policies.View'));
      if (historyClosed(actor, 'Policy')) throw restricted();
      return answerOf(tx, { type: 'policy', id: params.id }, query);
    },
  });

  return [list, ofDesk, ofPolicy];
}

function seesPart(actor: Actor, view: 'Devices.View' | 'Users.View', type: 'Device' | 'User'): boolean {
  return actor.profiles.some(({ permissions }) => permissions.includes(view)) && historyClosed(actor, type);
}

function restricted(): FleetFault {
  return new FleetFault('history-restricted', 'your access is restricted to a part, which closes the history', { rule: 'acl.history' });
}

async function answerOf(tx: Tx, target: { type: string; id: string }, query: ChangesQuery): Promise<ChangesAnswer> {
  const { items, next } = await changesOf(tx, target, query);
  return {
    items: items.map(({ seq, record: { at, actor, action, change } }) => ({ seq, at, actor, action, change: change ?? null })),
    next,
  };
}

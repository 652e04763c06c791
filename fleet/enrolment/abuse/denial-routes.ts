import { DenialQuery, DenialRemovedAnswer, DenialsAnswer, DenialsQuery } from '../../../contracts/console/enrolment.ts';
import { consoleRoute, type Route } from '../../http/route.ts';
import type { AbuseGuard } from './abuse-guard.ts';
import { listDenials, removeDenial } from './denials.ts';

export function denialRoutes({ guard }: { guard: AbuseGuard }): readonly Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/denials',
      summary: 'Who is kept out for a while, and why',
      who: 'signed-in',
      needs: 'Tenant.View',
      query: DenialsQuery,
      answer: DenialsAnswer,
      handle: async ({ tx, actor, now, query, decidedBy }) => {
        const { page, rule } = await listDenials({ tx, actor, now }, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'DELETE',
      path: '/api/v1/denials',
      summary: 'Let somebody in again who is kept out; on other servers within 10 s',
      who: 'signed-in',
      needs: 'Tenant.Edit',
      query: DenialQuery,
      answer: DenialRemovedAnswer,
      handle: async ({ tx, actor, now, query, audit, decidedBy }) => {
        const { removed, rule } = await removeDenial({ tx, actor, now }, query);
        decidedBy(rule);
        audit({ type: query.kind, id: query.kind === 'address' ? 'withheld' : query.subject });
        if (removed) guard.forgive(removed);
        return { removed: removed !== null };
      },
    }),
  ];
}

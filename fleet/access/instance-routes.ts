import { InstancesAnswer } from '../../contracts/console/access-calls.ts';
import { NIL_ID } from '../db/tenancy.ts';
import { consoleRoute, type Route } from '../http/route.ts';

export function instanceRoutes(): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/instances',
      summary: 'The Connect instances of this tenant, by which other calls name them',
      who: 'signed-in',
      answer: InstancesAnswer,
      async handle({ tx, actor }) {
        const items = await tx
          .selectFrom('instance')
          .select(['instance_id as id', 'alias', 'region'])
          .where('tenant_id', '=', actor.tenant)
          .where('instance_id', '!=', NIL_ID)
          .orderBy('alias')
          .orderBy('region')
          .execute();
        return { items };
      },
    }),
  ];
}

import { z } from 'zod';
import { AddGroupRequest, ById, ChangeGroupRequest, Group, GroupsAnswer, PageQuery } from '../../contracts/console/access-calls.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { addGroup, changeGroup, deleteGroup, listGroups } from './hierarchy.ts';

export function hierarchyRoutes(): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/groups',
      summary: 'The groups of the hierarchy',
      who: 'signed-in',
      needs: 'Hierarchy.View',
      query: PageQuery,
      answer: GroupsAnswer,
      async handle({ tx, actor, query, decidedBy }) {
        const { rule, page } = await listGroups(tx, actor, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/groups',
      summary: 'Adds a group',
      who: 'signed-in',
      needs: 'Hierarchy.Edit',
      body: AddGroupRequest,
      answer: Group,
      status: 201,
      async handle({ tx, actor, body, audit, decidedBy }) {
        const { rule, after } = await addGroup(tx, actor, body);
        decidedBy(rule);
        audit({ type: 'group', id: after.id }, { after });
        return after;
      },
    }),
    consoleRoute({
      method: 'PATCH',
      path: '/api/v1/groups/:id',
      summary: 'Renames a group, or moves it with all that is below it',
      who: 'signed-in',
      needs: 'Hierarchy.Edit',
      params: ById,
      body: ChangeGroupRequest,
      answer: Group,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        audit({ type: 'group', id: params.id });
        const { rule, before, after } = await changeGroup(tx, actor, params.id, body);
        decidedBy(rule);
        audit({ type: 'group', id: params.id }, { before, after });
        return after;
      },
    }),
    consoleRoute({
      method: 'DELETE',
      path: '/api/v1/groups/:id',
      summary: 'Deletes an empty group',
      who: 'signed-in',
      needs: 'Hierarchy.Edit',
      params: ById,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, params, audit, decidedBy }) {
        const { rule, before } = await deleteGroup(tx, actor, params.id);
        decidedBy(rule);
        audit({ type: 'group', id: params.id }, { before });
        return null;
      },
    }),
  ];
}

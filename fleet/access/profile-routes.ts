import { z } from 'zod';
import { ById, PageQuery, ProfileAnswer, ProfileRequest, ProfilesAnswer } from '../../contracts/console/access-calls.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { addProfile, changeProfile, deleteProfile, listProfiles, readProfile } from './profiles.ts';

export function profileRoutes(): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/profiles',
      summary: 'Security profiles, with what is doubtful about each',
      who: 'signed-in',
      needs: 'SecurityProfiles.View',
      query: PageQuery,
      answer: ProfilesAnswer,
      async handle({ tx, actor, query, decidedBy }) {
        const { rule, page } = await listProfiles(tx, actor, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/profiles/:id',
      summary: 'One security profile',
      who: 'signed-in',
      needs: 'SecurityProfiles.View',
      params: ById,
      answer: ProfileAnswer,
      async handle({ tx, actor, params, audit, decidedBy }) {
        audit({ type: 'profile', id: params.id });
        const { rule, answer } = await readProfile(tx, actor, params.id);
        decidedBy(rule);
        return answer;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/profiles',
      summary: "Adds a security profile within the caller's own rights",
      who: 'signed-in',
      needs: 'SecurityProfiles.Create',
      body: ProfileRequest,
      answer: ProfileAnswer,
      status: 201,
      async handle({ tx, actor, body, now, audit, decidedBy }) {
        const { rule, after, answer } = await addProfile(tx, actor, body, now);
        decidedBy(rule);
        audit({ type: 'profile', id: answer.id }, { after: { ...after, reason: body.reason } });
        return answer;
      },
    }),
    consoleRoute({
      method: 'PUT',
      path: '/api/v1/profiles/:id',
      summary: 'Changes a security profile; the default ones stay as they are',
      who: 'signed-in',
      needs: 'SecurityProfiles.Edit',
      params: ById,
      body: ProfileRequest,
      answer: ProfileAnswer,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        audit({ type: 'profile', id: params.id });
        const { rule, before, after, answer } = await changeProfile(tx, actor, params.id, body);
        decidedBy(rule);
        audit({ type: 'profile', id: params.id }, { before, after: { ...after, reason: body.reason } });
        return answer;
      },
    }),
    consoleRoute({
      method: 'DELETE',
      path: '/api/v1/profiles/:id',
      summary: 'Deletes a security profile that nobody holds',
      who: 'signed-in',
      needs: 'SecurityProfiles.Delete',
      params: ById,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, params, audit, decidedBy }) {
        audit({ type: 'profile', id: params.id });
        const { rule, before } = await deleteProfile(tx, actor, params.id);
        decidedBy(rule);
        audit({ type: 'profile', id: params.id }, { before });
        return null;
      },
    }),
  ];
}

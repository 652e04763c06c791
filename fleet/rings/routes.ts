import { z } from 'zod';
import { ById, PageQuery } from '../../contracts/console/access-calls.ts';
import {
  AddRingRequest,
  AttachRequest,
  ChangeRingRequest,
  NoticesAnswer,
  NoticesQuery,
  Ring,
  RingMember,
  RingMemberParams,
  RingMembersAnswer,
  RingMembersQuery,
  RingsAnswer,
} from '../../contracts/console/rings.ts';
import { demandAtAll } from '../access/refusal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { attach, deleteRing, detach, listMembers } from './members.ts';
import { listNotices, markRead } from './notices.ts';
import { addRing, changeRing, listRings, ringFor } from './rings.ts';

export function ringRoutes({ keyring }: { keyring: Keyring }): readonly Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/rings',
      summary: 'Rollout rings',
      who: 'signed-in',
      needs: 'Rings.View',
      query: PageQuery,
      answer: RingsAnswer,
      async handle({ tx, actor, query, decidedBy }) {
        const { rule, page } = await listRings(tx, actor, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/rings/:id',
      summary: 'One rollout ring',
      who: 'signed-in',
      needs: 'Rings.View',
      params: ById,
      answer: Ring,
      async handle({ tx, actor, params, audit, decidedBy }) {
        audit({ type: 'ring', id: params.id });
        const { rule, ring } = await ringFor(tx, actor, 'Rings.View', params.id);
        decidedBy(rule);
        return ring;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/rings',
      summary: 'Adds a rollout ring without a desk in it',
      who: 'signed-in',
      needs: 'Rings.Edit',
      body: AddRingRequest,
      answer: Ring,
      status: 201,
      async handle({ tx, actor, body, now, audit, decidedBy }) {
        const { rule, ring } = await addRing(tx, actor, body, now);
        decidedBy(rule);
        audit({ type: 'ring', id: ring.id }, { after: ring });
        return ring;
      },
    }),
    consoleRoute({
      method: 'PATCH',
      path: '/api/v1/rings/:id',
      summary: 'Name and tags of a rollout ring',
      who: 'signed-in',
      needs: 'Rings.Edit',
      params: ById,
      body: ChangeRingRequest,
      answer: Ring,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        audit({ type: 'ring', id: params.id });
        const { rule, before, after } = await changeRing(tx, actor, params.id, body);
        decidedBy(rule);
        audit({ type: 'ring', id: params.id }, { before, after });
        return after;
      },
    }),
    consoleRoute({
      method: 'DELETE',
      path: '/api/v1/rings/:id',
      summary: 'Takes every desk out of a rollout ring and deletes it',
      who: 'signed-in',
      needs: 'Rings.Edit',
      params: ById,
      answer: z.null(),
      status: 204,
      async handle(call) {
        const { params, audit, decidedBy } = call;
        audit({ type: 'ring', id: params.id });
        const { rule, before } = await deleteRing(call, params.id);
        decidedBy(rule);
        audit({ type: 'ring', id: params.id }, { before });
        return null;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/rings/:id/members',
      summary: 'Who is in a ring; of a desk that the caller may not see, an id that tells nothing',
      who: 'signed-in',
      needs: 'Rings.View',
      params: ById,
      query: RingMembersQuery,
      answer: RingMembersAnswer,
      async handle({ tx, actor, params, query, audit, decidedBy }) {
        audit({ type: 'ring', id: params.id });
        const { rule, page } = await listMembers(tx, actor, keyring, params.id, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/rings/:id/members',
      summary: 'Puts a desk that the caller sees into a ring',
      who: 'signed-in',
      needs: 'Rings.Edit',
      params: ById,
      body: AttachRequest,
      answer: RingMember,
      status: 201,
      async handle(call) {
        const { actor, params, body, audit, decidedBy } = call;
        audit({ type: 'ring', id: params.id });
        audit({ type: 'device', id: body.desk });
        demandAtAll(actor, 'Devices.View');
        const { rule, answer } = await attach(call, keyring, params.id, body.desk);
        decidedBy(rule);
        audit({ type: 'ring', id: params.id }, { after: { member: answer.id, desk: body.desk } });
        return answer;
      },
    }),
    consoleRoute({
      method: 'DELETE',
      path: '/api/v1/rings/:id/members/:member',
      summary: 'Takes a desk out of a ring, be it in sight or not; its people get a notice',
      who: 'signed-in',
      needs: 'Rings.Edit',
      params: RingMemberParams,
      answer: z.null(),
      status: 204,
      async handle(call) {
        const { params, audit, decidedBy } = call;
        audit({ type: 'ring', id: params.id });
        const { rule } = await detach(call, params.id, params.member);
        decidedBy(rule);
        audit({ type: 'ring', id: params.id }, { before: { member: params.member } });
        return null;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/notices',
      summary: "What others did to desks that the caller sees, newest first, with the caller's own marks of what is read",
      who: 'signed-in',
      needs: 'Devices.View',
      query: NoticesQuery,
      answer: NoticesAnswer,
      handle: ({ tx, actor, query }) => listNotices(tx, actor, keyring, query),
    }),
    consoleRoute({
      method: 'PUT',
      path: '/api/v1/notices/:id/read',
      summary: 'Marks a notice as read, for the caller alone',
      who: 'signed-in',
      needs: 'Devices.View',
      params: ById,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, params, now, audit }) {
        audit({ type: 'notice', id: params.id });
        await markRead(tx, actor, params.id, now);
        return null;
      },
    }),
  ];
}

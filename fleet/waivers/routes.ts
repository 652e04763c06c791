import { z } from 'zod';
import {
  DeskParams,
  GrantAnswer,
  GrantParams,
  GrantsQuery,
  GroupReleaseRequest,
  GroupReleasesAnswer,
  ReleaseCodeAnswer,
  WaiverRequest,
  WaiversAnswer,
} from '../../contracts/console/waivers.ts';
import { demandFreshMfa } from '../access/step-up.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { approveRelease, endRelease, requestRelease } from './group-releases.ts';
import { listReleases, listWaivers } from './list-grants.ts';
import { readReleaseCode } from './release-code.ts';
import { approveWaiver, endWaiver, type GrantDeps, requestWaiver } from './waivers.ts';

export function waiverRoutes(deps: GrantDeps): readonly Route[] {
  return [...waivers(deps), ...releases(deps), releaseCode(deps)];
}

function waivers(deps: GrantDeps): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/waivers',
      summary: 'Waivers of the desks and groups that one sees, newest first',
      who: 'signed-in',
      needs: 'Devices.View',
      query: GrantsQuery,
      answer: WaiversAnswer,
      handle: ({ tx, actor, query, now }) => listWaivers({ tx, keyring: deps.keyring, actor, query, now }),
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/waivers',
      summary: 'Ask that a rule only warns on a desk or in a group, for a time',
      who: 'signed-in',
      needs: 'Waivers.Request',
      body: WaiverRequest,
      answer: GrantAnswer,
      status: 201,
      async handle({ tx, actor, now, body, audit, decidedBy }) {
        const { id, rule } = await requestWaiver(deps, { tx, actor, now, what: body });
        decidedBy(rule);
        audit({ type: 'waiver', id }, { after: body });
        return { id };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/waivers/:id/approve',
      summary: "Grant somebody else's request",
      who: 'signed-in',
      needs: 'Waivers.Approve',
      params: GrantParams,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, now, params, audit, decidedBy }) {
        demandFreshMfa(actor, now);
        audit({ type: 'waiver', id: params.id });
        decidedBy(await approveWaiver({ tx, actor, now, what: params.id }));
        return null;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/waivers/:id/end',
      summary: 'End a waiver, or decline a request',
      who: 'signed-in',
      needs: 'Devices.View',
      params: GrantParams,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, now, params, audit, decidedBy }) {
        audit({ type: 'waiver', id: params.id });
        decidedBy(await endWaiver({ tx, actor, now, what: params.id }));
        return null;
      },
    }),
  ];
}

function releases(deps: GrantDeps): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/group-releases',
      summary: 'Releases of the groups that one sees, newest first',
      who: 'signed-in',
      needs: 'Devices.View',
      query: GrantsQuery,
      answer: GroupReleasesAnswer,
      handle: ({ tx, actor, query, now }) => listReleases({ tx, keyring: deps.keyring, actor, query, now }),
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/group-releases',
      summary: 'Ask that every blocking rule only warns in a group, for the day on which a policy was wrong',
      who: 'signed-in',
      needs: 'GroupRelease.Request',
      body: GroupReleaseRequest,
      answer: GrantAnswer,
      status: 201,
      async handle({ tx, actor, now, body, audit, decidedBy }) {
        demandFreshMfa(actor, now);
        const { id, rule } = await requestRelease(deps, { tx, actor, now, what: body });
        decidedBy(rule);
        audit({ type: 'group-release', id }, { after: body });
        return { id };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/group-releases/:id/approve',
      summary: 'Be the second person of a release',
      who: 'signed-in',
      needs: 'GroupRelease.Approve',
      params: GrantParams,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, now, params, audit, decidedBy }) {
        demandFreshMfa(actor, now);
        audit({ type: 'group-release', id: params.id });
        decidedBy(await approveRelease({ tx, actor, now, what: params.id }));
        return null;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/group-releases/:id/end',
      summary: 'End a release, or decline a request',
      who: 'signed-in',
      needs: 'Devices.View',
      params: GrantParams,
      answer: z.null(),
      status: 204,
      async handle({ tx, actor, now, params, audit, decidedBy }) {
        audit({ type: 'group-release', id: params.id });
        decidedBy(await endRelease({ tx, actor, now, what: params.id }));
        return null;
      },
    }),
  ];
}

function releaseCode({ keyring }: GrantDeps): Route {
  return consoleRoute({
    method: 'POST',
    path: '/api/v1/desks/:id/release-code',
    summary: 'The code that opens the gate of a desk for an hour, whether it reaches the fleet or not',
    who: 'signed-in',
    needs: 'Devices.ReleaseCode',
    params: DeskParams,
    answer: ReleaseCodeAnswer,
    async handle({ tx, actor, now, params, audit, decidedBy }) {
      demandFreshMfa(actor, now);
      audit({ type: 'device', id: params.id });
      const { code, validUntil, rule } = await readReleaseCode(keyring, { tx, actor, now, desk: params.id });
      decidedBy(rule);
      return { code, validUntil: validUntil.toISOString() };
    },
  });
}

import { DeviceParams, DeviceStatusAnswer, EnrolmentsAnswer, EnrolmentsQuery } from '../../contracts/console/enrolment.ts';
import type { Permission } from '../access/permission.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { type DeviceStep, listEnrolments, takeStep } from './device-life.ts';
import type { StandingCache } from './standing-cache.ts';

export interface DeviceLifeRoutesDeps {
  keyring: Keyring;
  standings: StandingCache;
}

export function deviceLifeRoutes({ keyring, standings }: DeviceLifeRoutesDeps): readonly Route[] {
  const stepRoute = (step: DeviceStep, needs: Permission, path: string, summary: string) =>
    consoleRoute({
      method: 'POST',
      path,
      summary,
      who: 'signed-in',
      needs,
      params: DeviceParams,
      answer: DeviceStatusAnswer,
      handle: async ({ tx, actor, now, params, audit, decidedBy }) => {
        const target = { type: 'device', id: params.device };
        const { status, before, rule } = await takeStep({ tx, actor, now }, params.device, step).catch((refusal) => {
          audit(target);
          throw refusal;
        });
        decidedBy(rule);
        audit(target, { before: { status: before }, after: { status } });
        standings.forget(params.device);
        return { device: params.device, status };
      },
    });

  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/enrolments',
      summary: 'Desks by the state of their enrolment: those that wait for approval, where none is named',
      who: 'signed-in',
      needs: 'Devices.View',
      query: EnrolmentsQuery,
      answer: EnrolmentsAnswer,
      handle: ({ tx, actor, query }) => listEnrolments({ tx, actor }, keyring, query),
    }),
    stepRoute('approve', 'Devices.Approve', '/api/v1/enrolments/:device/approve', 'Let a desk in that waits'),
    stepRoute('decline', 'Devices.Approve', '/api/v1/enrolments/:device/decline', 'Refuse a desk that waits'),
    stepRoute('revoke', 'Devices.Revoke', '/api/v1/desks/:device/revoke', 'Refuse a desk for good, with every certificate that it has'),
    stepRoute('retire', 'Devices.Retire', '/api/v1/desks/:device/retire', 'Take a desk out of service'),
  ];
}

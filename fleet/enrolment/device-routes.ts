import { EnrolAnswer, EnrolRequest, RenewAnswer, RenewRequest, TrustAnswer } from '../../contracts/fleet-api.ts';
import type { VerificationKey } from '../../contracts/signed-document.ts';
import { deviceRoute, type Route } from '../http/route.ts';
import { type EnrolDeps, enrol } from './enrol.ts';
import { renew } from './renew.ts';

export interface DeviceRoutesDeps extends EnrolDeps {
  /** The first one is what tickets vouch for: it stays the first one through every rotation. */
  signingKeys(): Promise<VerificationKey[]>;
}

/** How desks become ours and stay so. Everything else that they call wants a certificate that stands. */
export function deviceEnrolmentRoutes(deps: DeviceRoutesDeps): readonly Route[] {
  return [
    deviceRoute({
      method: 'GET',
      path: '/device/v1/trust',
      summary: 'What a desk compares with its ticket before it trusts this fleet',
      who: 'anyone',
      answer: TrustAnswer,
      handle: async () => ({ schema: 1 as const, ca: deps.authority.certificate, signingKeys: await deps.signingKeys() }),
    }),
    deviceRoute({
      method: 'POST',
      path: '/device/v1/enrol',
      summary: 'Enrol by a ticket, or ask how far it has come',
      who: 'anyone',
      body: EnrolRequest,
      answer: EnrolAnswer,
      handle: ({ tx, now, source, body, attribute, audit }) =>
        enrol(deps, { tx, now, address: source.address, request: body, attribute, audit }),
    }),
    deviceRoute({
      method: 'POST',
      path: '/device/v1/renew',
      summary: 'A new certificate for the same key, also for one that expired at most 90 days ago',
      who: 'expired-device',
      body: RenewRequest,
      answer: RenewAnswer,
      handle: ({ tx, now, device, body, audit }) => {
        audit({ type: 'device', id: device.device });
        return renew(deps, { tx, now, device, request: body });
      },
    }),
  ];
}

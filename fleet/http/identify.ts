import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { type Db, NIL_ID } from '../db/tenancy.ts';
import type { AbuseGuard } from '../enrolment/abuse/abuse-guard.ts';
import type { DeviceGate } from '../enrolment/device-gate.ts';
import { isForgedRequest } from '../sign-in/forgery.ts';
import { authenticateSession } from '../sign-in/session.ts';
import { FleetFault } from './fault.ts';
import type { Caller } from './frame.ts';
import type { Route } from './route.ts';

const nobody: Caller = { tenant: NIL_ID, account: null, session: null, mfaAt: null, device: null };

/** A desk, by the certificate of its connection. */
export function identifyDevice(gate: DeviceGate) {
  return async (request: FastifyRequest, route: Route | null): Promise<Caller> => {
    const who = route === null || route.listener !== 'device' ? null : (route.who as 'anyone' | 'device' | 'expired-device');
    const device = await gate.admit({ socket: request.raw.socket as TLSSocket, headers: request.headers, who });
    return device ? { ...nobody, tenant: device.tenant, device } : nobody;
  };
}

/** A person, by the session's cookie. */
export function identifyPerson({ db, guard, now, origins }: { db: Db; guard: AbuseGuard; now: () => Date; origins: readonly string[] }) {
  return async (request: FastifyRequest, route: Route | null): Promise<Caller> => {
    const changes = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
    const isSignIn = route === null || route.who === 'anyone';
    const session = isSignIn ? null : await authenticateSession(db, request.headers.cookie, now());
    // Behind an address that is kept out work people too, who have signed in. What nobody signed in for is counted.
    if (!session && (route !== null || request.is404)) await guard.count('anonymous', { address: request.socket.remoteAddress ?? '' });
    if (changes && isForgedRequest(request.headers, origins)) {
      throw new FleetFault('forged-request', 'not from this console: send its Origin, or the header x-deskwarden: 1');
    }
    if (!session) return nobody;
    const { tenant, account, session: id, mfaAt } = session;
    return { tenant, account, session: id, mfaAt, device: null };
  };
}

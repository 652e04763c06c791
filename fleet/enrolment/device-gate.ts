import type { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { FleetFault } from '../http/fault.ts';
import type { AbuseGuard } from './abuse/abuse-guard.ts';
import type { Authority } from './authority/authority.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { readDeviceUri } from './device-uri.ts';
import { refuseForwardedCertificates } from './forwarded-certificate.ts';
import type { NamedCertificate, StandingCache } from './standing-cache.ts';

const DAY_MS = 24 * 60 * 60_000;
/** For so long after its end a certificate still renews itself. */
const RENEWABLE_MS = 90 * DAY_MS;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const subjectForm = /^CN=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export interface AskedDevice {
  /** The connection itself, whose handshake proved that the other end holds the certificate's key. */
  socket: TLSSocket;
  headers: IncomingHttpHeaders;
  /** Null: a path that there is not. */
  who: 'anyone' | 'device' | 'expired-device' | null;
}

export interface DeviceGate {
  /** Who calls the device API; null where nobody has to be named. Throws a fault for whoever is refused. */
  admit(asked: AskedDevice): Promise<DeviceIdentity | null>;
}

interface Life {
  fromMs: number;
  untilMs: number;
}

export interface DeviceGateDeps {
  authority: Authority;
  standings: StandingCache;
  guard: AbuseGuard;
  now: () => Date;
}

export function createDeviceGate({ authority, standings, guard, now }: DeviceGateDeps): DeviceGate {
  /** What a connection showed in its handshake stays so; its standing and its time are looked at with each call. */
  const shown = new WeakMap<TLSSocket, (NamedCertificate & Life) | FleetFault>();

  function certificateOf(socket: TLSSocket): NamedCertificate & Life {
    let found = shown.get(socket);
    if (!found) {
      found = readCertificate(socket.getPeerX509Certificate(), authority);
      shown.set(socket, found);
    }
    if (found instanceof FleetFault) throw found;
    return found;
  }

  async function authenticate(socket: TLSSocket, mayBeExpired: boolean): Promise<DeviceIdentity> {
    const { fromMs, untilMs, ...named } = certificateOf(socket);
    const nowMs = now().getTime();
    if (nowMs < fromMs) throw new FleetFault('not-enrolled', 'the certificate is not valid yet');
    const isExpired = nowMs > untilMs;
    if (nowMs > untilMs + (mayBeExpired ? RENEWABLE_MS : 0)) {
      throw new FleetFault('not-enrolled', `the certificate expired on ${new Date(untilMs).toISOString()}`);
    }
    const standing = await standings.of(named);
    if (standing === 'revoked') throw new FleetFault('revoked', 'this device was revoked');
    if (standing !== 'good') throw new FleetFault('not-enrolled', 'no such device');
    return { ...named, expired: isExpired };
  }

  return {
    async admit({ socket, headers, who }) {
      const anonymous = { address: socket.remoteAddress ?? '' };
      if (who === null || who === 'anyone') {
        await guard.count('anonymous', anonymous);
        refuseForwardedCertificates(headers);
        return null;
      }
      let identity: DeviceIdentity;
      try {
        refuseForwardedCertificates(headers);
        identity = await authenticate(socket, who === 'expired-device');
      } catch (fault) {
        // Behind an address that is kept out there are good desks too: they never come this way.
        if (fault instanceof FleetFault && fault.status < 500) await guard.count('anonymous', anonymous);
        throw fault;
      }
      await guard.count('device', { tenant: identity.tenant, id: identity.device });
      return identity;
    },
  };
}

function readCertificate(certificate: X509Certificate | undefined, authority: Authority): (NamedCertificate & Life) | FleetFault {
  if (!certificate) return new FleetFault('not-enrolled', 'no client certificate');
  try {
    if (!authority.hasIssued(certificate)) return new FleetFault('not-enrolled', 'the certificate is by another CA');
    const home = readDeviceUri(certificate.subjectAltName);
    const device = subjectForm.exec(certificate.subject)?.[1];
    const isClient = !certificate.ca && certificate.keyUsage?.includes(CLIENT_AUTH);
    if (!home || device === undefined || !isClient) return new FleetFault('not-enrolled', 'the certificate is not a device’s');
    const life = { fromMs: Date.parse(certificate.validFrom), untilMs: Date.parse(certificate.validTo) };
    return { ...home, device, serial: certificate.serialNumber, ...life };
  } catch {
    return new FleetFault('not-enrolled', 'the certificate cannot be read');
  }
}

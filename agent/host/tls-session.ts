import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, createSecureContext, type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../../checks/host.ts';
import type { TlsFacts } from '../../checks/network/observations.ts';
import { bounded, type Ending, type Limit } from './bounded.ts';
import { type AnchorFinder, certificateFacts, presentedCertificates, subjectNames, withoutAppendedRoot } from './certificate-chain.ts';

export interface Session {
  socket: TLSSocket;
  handshakeMs: number;
}

export interface SecureContexts {
  modern(): SecureContext;
  /** Obsolete protocol versions allowed: only to learn what the server can do. */
  legacy(): SecureContext;
}

export function createSecureContexts(): SecureContexts {
  let modern: SecureContext | undefined;
  let legacy: SecureContext | undefined;
  return {
    modern() {
      modern ??= createSecureContext({ minVersion: 'TLSv1.2' });
      return modern;
    },
    legacy() {
      // Without the security level OpenSSL 3 refuses the signatures that these versions need.
      legacy ??= createSecureContext({ minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' });
      return legacy;
    },
  };
}

/** A handshake that accepts any certificate: it gathers evidence, and no secret is ever sent over it. */
export function openSession(
  socket: Socket,
  host: string,
  secureContext: SecureContext,
  limit: Limit,
  clock: Clock,
): Promise<Ending<Session>> {
  const startedAt = clock.monotonicMs();
  return bounded<Session>(limit, (settle, fail) => {
    const secure = tlsConnect({
      socket,
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    secure.once('secureConnect', () => settle({ socket: secure, handshakeMs: clock.monotonicMs() - startedAt }));
    secure.on('error', fail);
    secure.once('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
    return (succeeded) => {
      if (succeeded) return;
      secure.destroy();
      socket.destroy();
    };
  });
}

export function tlsFacts(socket: TLSSocket, host: string, anchors: AnchorFinder, neededLegacy: boolean): TlsFacts {
  const certificates = presentedCertificates(socket);
  const [leaf] = certificates;
  const protocol = socket.getProtocol() ?? '';
  return {
    protocol,
    cipher: socket.getCipher()?.standardName ?? '',
    // A key exchange without (EC)DHE gives an empty object.
    forwardSecrecy: protocol === 'TLSv1.3' || Object.keys(socket.getEphemeralKeyInfo() ?? {}).length > 0,
    chain: withoutAppendedRoot(certificates).map(certificateFacts),
    ...anchors.find(certificates, isTrustedHere(socket)),
    nameMatches: leaf !== undefined && isNamed(host, leaf),
    names: leaf ? subjectNames(leaf) : [],
    neededLegacy,
  };
}

/** False also for an expired certificate: OpenSSL then reports that alone and hides whether the chain is trusted (measured). */
function isTrustedHere(socket: TLSSocket): boolean {
  // Typed as an Error, but a code at run time. The name is looked at only once the chain is trusted.
  const fault: unknown = socket.authorizationError;
  return socket.authorized || fault === 'ERR_TLS_CERT_ALTNAME_INVALID';
}

function isNamed(host: string, leaf: Parameters<typeof subjectNames>[0]): boolean {
  try {
    return checkServerIdentity(host, leaf.toLegacyObject()) === undefined;
  } catch {
    return false;
  }
}

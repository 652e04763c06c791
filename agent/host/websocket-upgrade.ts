import { createHash, randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../checks/host.ts';
import type { UpgradeObservation } from '../../checks/network/observations.ts';
import type { Limit } from './bounded.ts';
import { failureOf } from './fail-kind.ts';
import { hostHeader, printable, requestHead } from './http-exchange.ts';

/** Appended to the key before hashing; RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const LONGEST_SERVER = 100;

export type UpgradeAnswer = Pick<UpgradeObservation, 'failure' | 'status' | 'acceptOk' | 'server'>;

/** Asks for an upgrade and closes whatever comes of it. */
export async function requestUpgrade(
  socket: TLSSocket,
  target: { host: string; port: number; path: string },
  limit: Limit,
  clock: Clock,
): Promise<UpgradeAnswer> {
  const key = randomBytes(16).toString('base64');
  const headers = {
    Host: hostHeader(target.host, target.port, 443),
    'User-Agent': 'Deskwarden',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
  };
  const ending = await requestHead(socket, { method: 'GET', path: target.path, headers }, limit, clock);
  if (!ending.ok) return { failure: failureOf('http', ending.error), status: null, acceptOk: false, server: null };
  const { status, headers: answered } = ending.value;
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
  const product = answered.server ?? answered.via;
  return {
    failure: null,
    status,
    acceptOk: status === 101 && answered.upgrade?.toLowerCase() === 'websocket' && answered['sec-websocket-accept'] === accept,
    server: product === undefined ? null : printable(String(product), LONGEST_SERVER),
  };
}

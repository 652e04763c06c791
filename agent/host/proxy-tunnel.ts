import type { Socket } from 'node:net';
import type { Clock } from '../../checks/host.ts';
import type { StepFailure } from '../../checks/network/observations.ts';
import type { Limit } from './bounded.ts';
import { codeOf } from './fail-kind.ts';
import { hostHeader, isGranted, requestHead } from './http-exchange.ts';

/** No port is a default in a CONNECT request: it is always written out. */
const NO_DEFAULT_PORT = 0;

export interface TunnelRequest {
  host: string;
  port: number;
  authorization: string | null;
}

/** Asks the proxy for a tunnel over this connection to it. Null: granted, and the socket now leads to the target. */
export async function openTunnel(socket: Socket, wanted: TunnelRequest, limit: Limit, clock: Clock): Promise<StepFailure | null> {
  const target = hostHeader(wanted.host, wanted.port, NO_DEFAULT_PORT);
  const headers = {
    Host: target,
    'User-Agent': 'Deskwarden',
    ...(wanted.authorization === null ? {} : { 'Proxy-Authorization': wanted.authorization }),
  };
  const ending = await requestHead(socket, { method: 'CONNECT', path: target, headers }, limit, clock);
  if (!ending.ok) return unreachable(codeOf(ending.error));
  if (!isGranted(ending.value)) return { step: 'proxy', kind: 'proxy-refused', code: String(ending.value.status) };
  if (ending.value.rest.length > 0) socket.unshift(ending.value.rest);
  return null;
}

export function unreachable(code: string): StepFailure {
  return { step: 'proxy', kind: 'proxy-unreachable', code };
}

import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../checks/host.ts';
import type { HttpFacts } from '../../checks/network/observations.ts';
import { bounded, type Ending, type Limit } from './bounded.ts';

/** Bytes of a response head; a longer one is an error, never memory. */
const LONGEST_HEAD = 16 * 1_024;
const LONGEST_LOCATION = 500;

export interface HeadRequest {
  method: 'GET' | 'CONNECT';
  path: string;
  headers: Readonly<Record<string, string>>;
}

export interface Head {
  status: number;
  headers: IncomingHttpHeaders;
  upgraded: boolean;
  /** Bytes that came behind the head of a tunnel or an upgrade. */
  rest: Buffer;
  tookMs: number;
  /** This desk's wall clock halfway between request and response head. */
  wallMidMs: number;
}

/** One request over an open connection, read up to the end of the response head. The socket survives only a granted CONNECT. */
export function requestHead(socket: Duplex, wanted: HeadRequest, limit: Limit, clock: Clock): Promise<Ending<Head>> {
  const startedAt = clock.monotonicMs();
  const wallStartMs = clock.wallMs();
  const headOf = (response: IncomingMessage, upgraded: boolean, rest: Buffer): Head => ({
    status: response.statusCode ?? 0,
    headers: response.headers,
    upgraded,
    rest,
    tookMs: clock.monotonicMs() - startedAt,
    wallMidMs: (wallStartMs + clock.wallMs()) / 2,
  });
  return bounded<Head>(limit, (settle, fail) => {
    let granted = false;
    const request = httpRequest({ ...wanted, createConnection: () => socket, maxHeaderSize: LONGEST_HEAD });
    request.once('response', (response) => settle(headOf(response, false, Buffer.alloc(0))));
    request.once('upgrade', (response, _socket, rest) => settle(headOf(response, true, rest)));
    request.once('connect', (response, _socket, rest) => {
      const head = headOf(response, true, rest);
      granted = isGranted(head);
      settle(head);
    });
    request.on('error', fail);
    request.end();
    return () => {
      if (granted) return;
      request.destroy();
      socket.destroy();
    };
  });
}

export function isGranted(head: Head): boolean {
  return head.status >= 200 && head.status <= 299;
}

export function hostHeader(host: string, port: number, defaultPort: number): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === defaultPort ? name : `${name}:${port}`;
}

export function getRoot(host: string, port: number, defaultPort: number): HeadRequest {
  const headers = { Host: hostHeader(host, port, defaultPort), 'User-Agent': 'Deskwarden', Accept: '*/*', Connection: 'close' };
  return { method: 'GET', path: '/', headers };
}

export function httpFacts(head: Head): HttpFacts {
  const location = head.headers.location;
  return {
    status: head.status,
    // A cache hands on the date of the answer that it stored (RFC 9111 section 4.2.3).
    clockOffsetMs: head.headers.age === undefined ? clockOffsetOf(head.headers.date, head.wallMidMs) : null,
    location: location === undefined ? null : printable(location, LONGEST_LOCATION),
  };
}

export function printable(text: string, longest: number): string {
  return text.replace(/[^\x20-\x7e]/g, '').slice(0, longest);
}

/** The header is cut to whole seconds, so the server's clock was between 0 and 999 ms further: 500 on average. */
const DATE_HEADER_MIDDLE_MS = 500;

const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function clockOffsetOf(date: string | undefined, wallMidMs: number): number | null {
  if (date === undefined || !httpDate.test(date)) return null;
  const serverMs = Date.parse(date);
  return Number.isNaN(serverMs) ? null : Math.round(serverMs + DATE_HEADER_MIDDLE_MS - wallMidMs);
}

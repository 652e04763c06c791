import { isIP, connect as netConnect, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../../checks/host.ts';
import { bounded } from '../host/bounded.ts';
import { codeOf } from '../host/fail-kind.ts';
import type { ProxyChooser } from '../host/proxy-settings.ts';
import { openTunnel } from '../host/proxy-tunnel.ts';
import { createSecureContexts, openSession } from '../host/tls-session.ts';
import { isUntrusted, tlsFault } from './certificate-fault.ts';
import type { LinkDeadlines } from './limits.ts';
import { faultOf, LinkFailure } from './link-failure.ts';

export interface Line {
  /** `https://host[:port]` */
  server: string;
  proxyFor: ProxyChooser;
  deadlines: LinkDeadlines;
  clock: Clock;
}

export interface Credentials {
  certificate: string;
  key: string;
}

/** A connection to the fleet, by which anything may be said. Rejects with a `LinkFailure`. */
export async function connectTrusted(line: Line, ca: string, own: Credentials | null, signal: AbortSignal): Promise<TLSSocket> {
  const { host } = endOf(line);
  const socket = await openLine(line, signal);
  const secured = await bounded<TLSSocket>({ ms: line.deadlines.handshakeMs, signal }, (settle, fail) => {
    const secure = tlsConnect({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ca,
      ...(own ? { cert: own.certificate, key: own.key } : {}),
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
    });
    secure.once('secureConnect', () => settle(secure));
    secure.on('error', fail);
    secure.once('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
    return (succeeded) => {
      if (succeeded) return;
      secure.destroy();
      socket.destroy();
    };
  });
  if (secured.ok) return secured.value;
  const code = codeOf(secured.error);
  if (!isUntrusted(code)) {
    const { code: kind, detail } = faultOf(secured.error);
    throw new LinkFailure(kind, `TLS handshake with ${host}: ${detail}`);
  }
  // Node lets go of the certificate together with the connection: look once more, and say nothing.
  const seen = await connectUnverified(line, signal).catch(() => null);
  const told = tlsFault({ code, host, ca, seen, wallMs: line.clock.wallMs() });
  seen?.destroy();
  throw new LinkFailure(told.code, told.detail);
}

/** A connection to whoever answers there: nothing that it tells is believed by itself, and no secret is sent over it. */
export async function connectUnverified(line: Line, signal: AbortSignal): Promise<TLSSocket> {
  const { host } = endOf(line);
  const socket = await openLine(line, signal);
  const opened = await openSession(socket, host, createSecureContexts().modern(), { ms: line.deadlines.handshakeMs, signal }, line.clock);
  if (opened.ok) return opened.value.socket;
  const { code, detail } = faultOf(opened.error);
  throw new LinkFailure(code, `TLS handshake with ${host}: ${detail}`);
}

function endOf({ server }: Line): { host: string; port: number } {
  const { hostname, port } = new URL(server);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 443 : Number(port) };
}

async function openLine(line: Line, signal: AbortSignal): Promise<Socket> {
  const { deadlines, clock, proxyFor } = line;
  const target = endOf(line);
  const proxy = proxyFor(target.host, target.port);
  if (proxy && 'unusable' in proxy) throw new LinkFailure('proxy', `the proxy that is set cannot be used: ${proxy.unusable}`);
  const next = proxy ?? target;
  const connected = await bounded<Socket>({ ms: deadlines.connectMs, signal }, (settle, fail) => {
    const socket = netConnect({ host: next.host, port: next.port, autoSelectFamily: true });
    socket.once('connect', () => settle(socket));
    socket.on('error', fail);
    return (succeeded) => {
      if (!succeeded) socket.destroy();
    };
  });
  if (!connected.ok) {
    const { code, detail } = faultOf(connected.error);
    if (proxy && code !== 'stopped') throw new LinkFailure('proxy', `no connection to the proxy ${next.host}:${next.port}: ${detail}`);
    throw new LinkFailure(code, `no connection to ${next.host}:${next.port}: ${detail}`);
  }
  if (!proxy) return connected.value;
  const wanted = { ...target, authorization: proxy.authorization };
  const refused = await openTunnel(connected.value, wanted, { ms: deadlines.tunnelMs, signal }, clock);
  if (!refused) return connected.value;
  const why = refused.kind === 'proxy-refused' ? `answers ${refused.code} when asked for` : `gave no tunnel (${refused.code}) to`;
  throw new LinkFailure('proxy', `the proxy ${next.host}:${next.port} ${why} ${target.host}:${target.port}`);
}

import { randomUUID } from 'node:crypto';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import helmet from '@fastify/helmet';
import { type FastifyInstance, fastify } from 'fastify';

/** A body of a report has 16 KiB in the normal case; 200 findings at their bounds and sealed fields stay below this. */
const DEVICE_BODY_BYTES = 1024 * 1024;
/** A policy with every rule written out has about 60 KiB. */
const CONSOLE_BODY_BYTES = 1024 * 1024;
/** From the first byte of a request to its last: a desk on a bad line sends 16 KiB in far less. */
const REQUEST_MS = 30_000;
/** A connection that says nothing. Longer than the 15 s between heartbeats of a desk that is not clear. */
const KEEP_ALIVE_MS = 75_000;
const TLS_HANDSHAKE_MS = 10_000;
/** How often it is looked for requests that take longer than they may. Node's own 30 s would let them live twice as long. */
const CHECK_MS = 5_000;
const MOST_CONNECTIONS = 20_000;
/** Node's own bound of a request's head. */
const MOST_HEADER_BYTES = 16_384;

/** Of each server the connections that nobody has said anything on. */
const silent = new WeakMap<object, Set<TLSSocket>>();

export type ListenerKind = 'device' | 'console';

export interface ListenerTimes {
  requestMs: number;
  checkMs: number;
}
const usualTimes: ListenerTimes = { requestMs: REQUEST_MS, checkMs: CHECK_MS };

/** An HTTPS server without routes. The device listener asks for client certificates; what they are worth, enrolment judges. */
export function createListener(kind: ListenerKind, tls: SecureContextOptions, times = usualTimes): FastifyInstance {
  const app = fastify({
    https: {
      ...tls,
      minVersion: 'TLSv1.2',
      handshakeTimeout: TLS_HANDSHAKE_MS,
      connectionsCheckingInterval: times.checkMs,
      // An expired certificate must get as far as the renewal, so that the TLS layer refuses none.
      ...(kind === 'device' && { requestCert: true, rejectUnauthorized: false }),
    },
    bodyLimit: kind === 'device' ? DEVICE_BODY_BYTES : CONSOLE_BODY_BYTES,
    requestTimeout: times.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Whoever stands in front could forge where a call comes from; TLS passes through to us.
    trustProxy: false,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    logger: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // The router would answer these two by itself, past the audit: a path that cannot be decoded, and a long parameter.
    rewriteUrl: ({ url = '/' }) => (canBeDecoded(url) ? url : '/not-a-path'),
    routerOptions: { maxParamLength: MOST_HEADER_BYTES, ignoreTrailingSlash: false, caseSensitive: true },
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  app.server.headersTimeout = times.requestMs;
  const unused = new Set<TLSSocket>();
  silent.set(app.server, unused);
  app.server.on('secureConnection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket as TLSSocket));
  // Garbage instead of TLS or HTTP ends the connection, and nothing else.
  app.server.on('tlsClientError', (_error, socket) => socket.destroy());
  // Of answers that no page is made of; a page that is served names its own.
  if (kind === 'console') {
    void app.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      strictTransportSecurity: { maxAge: 365 * 86_400 },
    });
  }
  return app as unknown as FastifyInstance;
}

/** Lets go of whoever asks nothing. Node counts a connection that browsers open ahead as busy, for as long as a head may take. */
export function closeQuiet({ server }: FastifyInstance): void {
  server.closeIdleConnections();
  for (const socket of silent.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy();
}

function canBeDecoded(url: string): boolean {
  try {
    decodeURIComponent(url.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}

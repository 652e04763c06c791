import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { issue, newKeyPem } from './pki.ts';

/** Appended to the key before hashing; RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const BEAT_EVERY_MS = 200;

const page = `<!doctype html><title>CCP</title><script>
  window.xhr = 0; window.beats = 0;
  setInterval(() => fetch('/api').then(() => { window.xhr += 1; }, () => {}), ${BEAT_EVERY_MS});
  new WebSocket('wss://' + location.host + '/ws').onmessage = () => { window.beats += 1; };
</script>`;

/** A request of the page's own making, and the cookies that came with it. */
export interface SeenRequest {
  path: string;
  cookie: string;
}

export interface CcpPage {
  port: number;
  seen: SeenRequest[];
  close(): Promise<void>;
}

/** A stand-in for the CCP: a page with a session cookie, XHR and a WebSocket, over TLS on loopback. */
export async function ccpPage(hosts: readonly string[]): Promise<CcpPage> {
  const { certPem, keyPem } = issue({ commonName: hosts[0] ?? '', names: hosts }, newKeyPem());
  const seen: SeenRequest[] = [];
  const server = createServer({ cert: certPem, key: keyPem }, (request: IncomingMessage, response: ServerResponse) => {
    seen.push({ path: request.url ?? '', cookie: request.headers.cookie ?? '' });
    const isPage = request.url === '/ccp-v2';
    response.setHeader('Content-Type', isPage ? 'text/html' : 'text/plain');
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (isPage) response.setHeader('Set-Cookie', 'session=1; Secure; HttpOnly; SameSite=None; Path=/');
    response.end(isPage ? page : 'ok');
  });
  server.on('upgrade', beat);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends a text frame every little while, for as long as the socket lives. */
function beat(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${ACCEPT_SUFFIX}`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const timer = setInterval(() => socket.write(Buffer.from([0x81, 1, 0x2e])), BEAT_EVERY_MS);
  socket.on('error', () => {});
  socket.on('close', () => clearInterval(timer));
  socket.on('data', () => {});
}

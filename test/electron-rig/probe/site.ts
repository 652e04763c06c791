import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Site {
  origin: string;
  socketOrigin: string;
  tlsOrigin: string;
  /** WebSockets that are open at the server now. */
  openSockets(): number;
  close(): void;
}

// RFC 6455 section 1.3.
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const headers = { 'access-control-allow-origin': '*', 'service-worker-allowed': '/' };
const socketWorker = `onmessage = ({ data }) => {
  const socket = new WebSocket(data);
  socket.onopen = () => postMessage('open');
  socket.onclose = ({ code }) => postMessage('closed ' + code);
};`;
const fetchWorker = `onmessage = async () => postMessage(await fetch('/api').then(({ status }) => status, () => 'failed'));`;

const serviceWorker = `addEventListener('install', () => skipWaiting());
addEventListener('message', async ({ data, source }) => {
  const fetched = await fetch('/api').then(({ status }) => status, () => 'failed');
  const socket = new WebSocket(data);
  socket.onopen = () => source.postMessage([fetched, 'open']);
  socket.onclose = ({ code }) => source.postMessage([fetched, 'closed ' + code]);
});`;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  const send = (type: string, body: string, status = 200) => response.writeHead(status, { ...headers, 'content-type': type }).end(body);
  if (url === '/redirect') response.writeHead(302, { location: '/two' }).end();
  else if (url === '/headers') send('application/json', JSON.stringify({ x: request.headers['x-probe'] ?? null }));
  else if (url === '/socket-worker.js') send('text/javascript', socketWorker);
  else if (url === '/frame-that-leaves') send('text/html', '<script>location.href = "/inner2"</script>');
  else if (url === '/service-worker.js') send('text/javascript', serviceWorker);
  else if (url === '/fetch-worker.js') send('text/javascript', fetchWorker);
  else {
    const title = url === '/untitled' ? '' : `<title>${url}</title>`;
    const frame = url === '/frames' ? '<iframe src="/inner"></iframe>' : '';
    send('text/html', `${title}<body>${frame}<a id="link" href="/two">x</a><script>window.inlineRan = 1</script>`);
  }
}

/** Pages for the probe, on loopback; `pem` is a self-signed certificate that nobody trusts. */
export async function startSite(pem: { cert: string; key: string }): Promise<Site> {
  const sockets = new Set<Duplex>();
  const server = createServer(answer);
  const tls = createTlsServer(pem, answer);
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${ACCEPT_SUFFIX}`).digest('base64');
    socket.write(`HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    // A browser that leaves half-closes: nothing is to be said any more.
    socket.on('end', () => socket.destroy());
    socket.resume();
  });
  for (const one of [server, tls]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    socketOrigin: `ws://127.0.0.1:${port}`,
    tlsOrigin: `https://127.0.0.1:${(tls.address() as AddressInfo).port}`,
    openSockets: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      for (const one of [server, tls]) {
        one.closeAllConnections();
        one.close();
      }
    },
  };
}

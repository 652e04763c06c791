import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { TlsSettings, WebListener } from './web-listeners.ts';
import { acceptWebSocket } from './web-socket.ts';

// Every web server of a site in one process; its one argument is the file with the listeners.

function serverFor(listener: WebListener): TcpServer {
  switch (listener.kind) {
    case 'host': {
      const server = web((_, response) => response.end('Deskwarden lab\n'), listener.tls);
      // Without this listener Node answers an upgrade as it answers any GET.
      if (listener.webSocket) server.on('upgrade', acceptWebSocket);
      return server;
    }
    case 'to-https':
      return web((request, response) => {
        response.writeHead(301, { Location: `https://${request.headers.host ?? listener.address}${request.url}` }).end();
      });
    case 'portal':
      return web((request, response) => {
        if (request.headers.host === listener.host) response.end('<form>Sign in to Example Wi-Fi</form>\n');
        else response.writeHead(302, { Location: `http://${listener.host}/login` }).end();
      }, listener.tls);
    case 'plain-text':
      // Answers when the client has spoken: closing earlier would reset the connection under the client's first bytes.
      return createTcpServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', () => socket.end('220 Deskwarden lab, no TLS here\r\n'));
      });
    case 'resets-name':
      return createTcpServer((socket) => resetOrPass(socket, listener));
  }
}

function web(answer: RequestListener, tls?: TlsSettings): Server {
  return tls ? createTlsServer(tls, answer) : createServer(answer);
}

/** Looks at the first segment only: a ClientHello of the lab's clients fits into one. */
function resetOrPass(socket: Socket, listener: WebListener & { kind: 'resets-name' }): void {
  socket.on('error', () => socket.destroy());
  socket.once('data', (first) => {
    if (first.includes(listener.host)) {
      socket.resetAndDestroy();
      return;
    }
    const upstream = connect(listener.upstream.port, listener.upstream.address);
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    upstream.write(first);
    socket.pipe(upstream).pipe(socket);
  });
}

for (const listener of JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as WebListener[]) {
  serverFor(listener).listen(listener.port, listener.address);
}

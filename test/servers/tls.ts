import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Issued } from './pki.ts';
import { listening, type TestServer } from './tcp.ts';

/** A TLS server that hands each secured connection and the request's first bytes to `onRequest`. */
export function tlsServer(
  identity: { leaf: Issued; above?: readonly Issued[] },
  onRequest: (socket: TLSSocket, request: string) => void = answerOk,
  options: TlsOptions = {},
): Promise<TestServer> {
  const cert = [identity.leaf, ...(identity.above ?? [])].map((issued) => issued.certPem).join('');
  const server = createServer({ cert, key: identity.leaf.keyPem, ...options }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => onRequest(socket, bytes.toString('latin1')));
  });
  server.on('tlsClientError', () => {});
  return listening(server);
}

export function answerOk(socket: TLSSocket): void {
  socket.end(`HTTP/1.1 200 OK\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: 2\r\n\r\nok`);
}

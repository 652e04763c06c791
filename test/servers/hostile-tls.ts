import type { Socket } from 'node:net';
import { type TestServer, tcpServer, writeForEver } from './tcp.ts';

function afterHello(react: (socket: Socket) => void): Promise<TestServer> {
  return tcpServer((socket) => socket.once('data', () => react(socket)));
}

function record(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type, 3, 3, body.length >> 8, body.length & 255]), body]);
}

function handshake(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 0, body.length >> 8, body.length & 255]), body]);
}

const HANDSHAKE = 22;
const HELLO_REQUEST = Buffer.from([0, 0, 0, 0]);

/** A TLS 1.2 ServerHello with ECDHE-RSA-AES128-GCM-SHA256 and secure renegotiation. */
const SERVER_HELLO = handshake(
  2,
  Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32, 7), Buffer.from([0, 0xc0, 0x2f, 0, 0, 5, 0xff, 1, 0, 1, 0])]),
);

function certificateMessage(certificate: Buffer): Buffer {
  const length = (size: number) => Buffer.from([0, size >> 8, size & 255]);
  return handshake(11, Buffer.concat([length(certificate.length + 3), length(certificate.length), certificate]));
}

/** Peers that are no proper TLS servers, by what they do. */
export const hostileTls = {
  silent: () => tcpServer((socket) => socket.resume()),
  oneByteASecond: () => afterHello((socket) => writeForEver(socket, Buffer.from([HANDSHAKE]), 1_000)),
  /** HelloRequest messages, which a client must ignore during a handshake. */
  endlessRecords: () => afterHello((socket) => writeForEver(socket, record(HANDSHAKE, ...Array(1_000).fill(HELLO_REQUEST)), 2)),
  garbageCertificate: () =>
    afterHello((socket) => socket.write(record(HANDSHAKE, SERVER_HELLO, certificateMessage(Buffer.alloc(300, 0x5a))))),
  plainText: () => tcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
  httpText: () => afterHello((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')),
  resetAfterHello: () => afterHello((socket) => socket.resetAndDestroy()),
  finAfterHello: () => afterHello((socket) => socket.end()),
  finAtOnce: () => tcpServer((socket) => socket.end()),
};

import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FailKind } from '../../../../checks/network/observations.ts';
import { HOST } from '../../../servers/pki.ts';
import { closedPort, type TestServer, tcpServer, writeForEver } from '../../../servers/tcp.ts';
import { tlsServer } from '../../../servers/tls.ts';
import { type Stage, stage } from './staged-net.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage();
});
afterAll(() => staged.close());

const servers: TestServer[] = [];
async function portOf(server: Promise<TestServer>): Promise<number> {
  const started = await server;
  servers.push(started);
  return started.port;
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('a WebSocket upgrade', () => {
  const upgradeOf = async (react: (socket: TLSSocket, request: string) => void) => {
    const port = await portOf(tlsServer({ leaf: staged.pki.leaf(), above: [staged.pki.intermediate] }, react));
    return staged.open().net.upgrade({ host: HOST, port }, '/ws');
  };
  const acceptFor = (request: string) => {
    const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(request)?.[1];
    return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  };
  const switching = (accept: string, more = '') =>
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;

  it('is granted', async () => {
    let asked = '';
    const seen = await upgradeOf((socket, request) => {
      asked = request;
      socket.write(switching(acceptFor(request), 'Server: edge/1.0\r\n'));
    });
    expect(seen).toEqual({ host: HOST, path: 'direct', failure: null, status: 101, acceptOk: true, server: 'edge/1.0' });
    expect(asked).toMatch(/^GET \/ws HTTP\/1\.1\r\n/);
    expect(asked).toMatch(/\r\nConnection: Upgrade\r\n/);
  });

  it('is granted to somebody else', async () => {
    const seen = await upgradeOf((socket) => socket.write(switching('c29tZWJvZHkgZWxzZQ==')));
    expect(seen).toMatchObject({ failure: null, status: 101, acceptOk: false });
  });

  it('is granted without a word of it', async () => {
    const seen = await upgradeOf((socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    expect(seen.acceptOk).toBe(false);
  });

  it.each([200, 426])('is answered with %i', async (status) => {
    const via = `1.1 ${'v'.repeat(200)}`;
    const seen = await upgradeOf((socket) => socket.end(`HTTP/1.1 ${status} No\r\nVia: ${via}\r\nContent-Length: 0\r\n\r\n`));
    expect(seen).toEqual({ host: HOST, path: 'direct', failure: null, status, acceptOk: false, server: via.slice(0, 100) });
  });

  it('is met with silence', async () => {
    const seen = await upgradeOf(() => {});
    expect(seen).toMatchObject({ failure: { step: 'http', kind: 'timed-out' }, status: null, acceptOk: false });
  });
});

describe('plain HTTP', () => {
  const plainAt = (port: number) => staged.open({ plainPort: port }).net.plain(HOST);
  const answers: [string, FailKind, (socket: Socket) => void][] = [
    ['silence', 'timed-out', () => {}],
    ['garbage', 'malformed', (socket) => socket.write('garbage\r\n\r\n')],
    ['an endless head', 'malformed', (socket) => drip(socket, 'X: y\r\n'.repeat(500), 1)],
    ['a slow head', 'timed-out', (socket) => drip(socket, 'x', 50)],
    ['a reset', 'reset', (socket) => socket.resetAndDestroy()],
    ['the end', 'closed', (socket) => socket.end()],
  ];

  it.each(answers)('%s: %s', async (_name, kind, react) => {
    const port = await portOf(tcpServer((socket) => socket.once('data', () => react(socket))));
    expect(await plainAt(port)).toMatchObject({ host: HOST, failure: { step: 'http', kind }, http: null });
  });

  it('is redirected', async () => {
    const answer = 'HTTP/1.1 301 Moved\r\nLocation: https://desk.example.test/\r\n\r\n';
    const port = await portOf(tcpServer((socket) => socket.once('data', () => socket.end(answer))));
    expect(await plainAt(port)).toEqual({
      host: HOST,
      failure: null,
      http: { status: 301, clockOffsetMs: null, location: 'https://desk.example.test/' },
    });
  });

  it('has an endless body: only the head is read', async () => {
    const port = await portOf(
      tcpServer((socket) =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nDate: no date\r\n\r\n');
          writeForEver(socket, 'x'.repeat(16_384), 1);
        }),
      ),
    );
    expect(await plainAt(port)).toMatchObject({ failure: null, http: { status: 200, clockOffsetMs: null } });
  });

  it('meets a closed port', async () => {
    expect(await plainAt(await closedPort())).toMatchObject({ failure: { step: 'tcp', kind: 'refused' }, http: null });
  });
});

function drip(socket: Socket, more: string, everyMs: number): void {
  socket.write('HTTP/1.1 200 OK\r\n');
  writeForEver(socket, more, everyMs);
}

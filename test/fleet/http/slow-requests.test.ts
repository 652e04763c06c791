import { generateKeyPairSync } from 'node:crypto';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeCertificate } from '../../../fleet/enrolment/authority/write-certificate.ts';
import { createListener } from '../../../fleet/http/listener.ts';
import { connectRaw, type RawConnection, requestText } from './raw-connection.ts';

const TIMES = { requestMs: 400, checkMs: 50 };
/** Between two bytes: in time for a connection that is only looked at for silence. */
const DRIP_MS = 40;

let listener: FastifyInstance;
let ca: string;
let port: number;
beforeAll(async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3_600_000)];
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const use = { kind: 'server', names: ['localhost'] } as const;
  ca = writeCertificate({ subject: 'localhost', spki, serial: '01', notBefore, notAfter, use }, { certificate: null, key: privateKey });
  listener = createListener('device', { cert: ca, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }, TIMES);
  listener.post('/taken', async () => ({ taken: true }));
  await listener.listen({ host: '127.0.0.1', port: 0 });
  port = (listener.server.address() as AddressInfo).port;
});
afterAll(() => listener?.close());

async function drip(text: string): Promise<{ connection: RawConnection; tookMs: number }> {
  const connection = await connectRaw(port, { ca });
  const sending = (async () => {
    for (const char of text) {
      if (connection.socket.destroyed) return;
      connection.socket.write(char);
      await sleep(DRIP_MS);
    }
  })();
  const tookMs = await connection.closed();
  await sending;
  return { connection, tookMs };
}

const body = JSON.stringify({ a: 'a'.repeat(500) });
const [head = ''] = requestText('POST', '/taken', {}, body).split('\r\n\r\n');

it.each([
  ['its head', `GET /taken HTTP/1.1\r\n${'x-a: b\r\n'.repeat(500)}`],
  ['its first line', `GET /${'a'.repeat(500)}`],
])('a request that drips in by %s is cut when its time is over, however lively it seems', async (_part, text) => {
  const { connection, tookMs } = await drip(text);
  expect(tookMs).toBeGreaterThanOrEqual(TIMES.requestMs - 100);
  expect(tookMs).toBeLessThan(5 * TIMES.requestMs);
  expect(connection.heard()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
});

it('so is one whose body drips in', async () => {
  const connection = await connectRaw(port, { ca });
  connection.socket.write(`${head}\r\n\r\n`);
  const dripping = setInterval(() => connection.socket.write('x'), DRIP_MS);
  const tookMs = await connection.closed();
  clearInterval(dripping);
  expect(tookMs).toBeLessThan(5 * TIMES.requestMs);
  expect(connection.heard()).not.toContain('taken');
});

it('one that comes in time is answered, and its connection outlives that time', async () => {
  const connection = await connectRaw(port, { ca });
  for (let round = 1; round <= 3; round += 1) {
    connection.socket.write(requestText('POST', '/taken', {}, body));
    await connection.until(new RegExp(`(taken.*){${round}}`, 's'));
    await sleep(TIMES.requestMs / 2);
  }
  expect(connection.socket.destroyed).toBe(false);
  connection.socket.destroy();
});

it('where no other times are given a request has 30 s, and the head no more', async () => {
  const usual = createListener('console', {});
  const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = usual.server as Server;
  expect({ headersTimeout, requestTimeout, keepAliveTimeout, maxConnections }).toEqual({
    headersTimeout: 30_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    maxConnections: 20_000,
  });
  await usual.close();
});

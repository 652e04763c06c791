import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithDatabase } from '../describe-with-database.ts';
import { aHeartbeat } from '../intake/desk-reports.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { signInAsAdmin } from '../signed-in.ts';
import { type AuditWatch, watchAudit } from './audit-watch.ts';
import { type EnrolledDesk, enrolDesks } from './enrolled-desks.ts';
import { connectRaw, requestText } from './raw-connection.ts';

const IDLE = 500;
const MIB = 1024 * 1024;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describeWithDatabase('a connection that means harm', () => {
  let server: RunningServer;
  let desk: EnrolledDesk;
  let audit: AuditWatch;
  const ports = () => [server.server.devicePort, server.server.consolePort];
  beforeAll(async () => {
    server = await runServer();
    [desk] = (await enrolDesks(server, await signInAsAdmin(server), 1)) as [EnrolledDesk];
    audit = watchAudit(server);
  });
  afterAll(() => server.close());

  const raw = (port = server.server.devicePort) => connectRaw(port, { ca: server.ca, cert: desk.cert, key: desk.key });
  const isServed = async () => {
    const beat = { method: 'POST', path: '/device/v1/heartbeat', body: aHeartbeat() };
    expect((await desk.ask(beat)).status).toBe(200);
    expect((await server.console({ path: '/healthz' })).status).toBe(200);
  };
  const heartbeat = () => requestText('POST', '/device/v1/heartbeat', {}, JSON.stringify(aHeartbeat()));

  it('in plain HTTP, or of garbage, is cut without a word, and without a record', async () => {
    const before = await audit.count();
    for (const port of ports()) {
      for (const bytes of [requestText('GET', '/healthz'), '\x16\x03\x01\xff\xff\xff', '\0'.repeat(70_000), 'SSH-2.0-x\r\n']) {
        const socket = connectPlain(port, '127.0.0.1');
        let heard = Buffer.alloc(0);
        socket.on('data', (chunk: Buffer) => {
          heard = Buffer.concat([heard, chunk]);
        });
        const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
        socket.write(bytes, 'latin1');
        socket.end();
        await closed;
        // At most a TLS alert.
        expect(heard.length, heard.toString('latin1')).toBeLessThanOrEqual(7);
        expect(heard.toString('latin1')).not.toContain('HTTP');
      }
    }
    expect(await audit.count()).toBe(before);
    await isServed();
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('by %s is refused', async (version) => {
    for (const port of ports()) {
      const socket = connect({
        ...{ host: '127.0.0.1', port, ca: server.ca, servername: 'localhost' },
        ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
      });
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toMatch(/ALERT_PROTOCOL_VERSION/);
    }
  });

  it('with a head that is too large, or no HTTP, is told so in a few words and cut', async () => {
    for (const text of [
      requestText('GET', '/device/v1/trust', { 'x-large': 'a'.repeat(20_000) }),
      requestText('GET', `/device/v1/${'a'.repeat(20_000)}`),
      'NOT HTTP AT ALL\r\n\r\n',
      requestText('POST', '/device/v1/heartbeat', { 'content-length': '5', 'transfer-encoding': 'chunked' }, '0\r\n\r\n'),
      requestText('POST', '/device/v1/heartbeat', { 'content-length': '-1' }),
      'GET / HTTP/1.1\r\nbad header: \x00\r\n\r\n',
    ]) {
      const connection = await raw();
      connection.socket.write(text, 'latin1');
      await connection.closed();
      expect(connection.heard()).toMatch(/^HTTP\/1\.1 4(00|31) /);
      expect(connection.heard()).not.toMatch(/\bat |node:|\.ts|parse error/i);
      expect(connection.heard().length).toBeLessThan(400);
    }
    await isServed();
  });

  it('that asks for all at once is answered in its order, each with its record', async () => {
    const before = await audit.count();
    const connection = await raw();
    const asks = [
      heartbeat(),
      requestText('GET', '/device/v1/documents/nothing?after=0'),
      requestText('POST', '/device/v1/reports', {}, '{}'),
      requestText('GET', '/device/v1/trust'),
      heartbeat(),
    ];
    connection.socket.write(asks.join(''));
    const heard = await connection.until(/(HTTP\/1\.1 .*){5}\}$/s);
    expect([...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(['200', '400', '400', '200', '200']);
    expect((await audit.count()) - before).toBe(asks.length);
    connection.socket.destroy();
  });

  it('that is closed on one side after its question is taken at its word: heard, recorded once, and closed', async () => {
    const before = await audit.count();
    const connection = await raw();
    connection.socket.end(heartbeat());
    expect(await connection.closed()).toBeLessThan(2_000);
    await expect.poll(() => audit.count()).toBe(before + 1);
    await isServed();
  });

  it('that goes away in the middle of its body, or right after its question, harms nobody', async () => {
    for (let round = 0; round < 20; round += 1) {
      const connection = await raw();
      const text = heartbeat();
      connection.socket.write(round % 2 === 0 ? text.slice(0, -50) : text);
      if (round % 3 === 0) await sleep(2);
      connection.socket.destroy();
    }
    await isServed();
    expect(server.events.filter(({ event }) => event === 'fault')).toEqual([]);
  });

  it(`beside ${IDLE} others that say nothing is served like any other, and they cost little`, { timeout: 60_000 }, async () => {
    collect();
    const before = process.memoryUsage();
    const idle = [];
    for (let made = 0; made < IDLE; made += 50) {
      idle.push(...(await Promise.all(Array.from({ length: 50 }, () => connectRaw(server.server.devicePort, { ca: server.ca })))));
    }
    const half = Array.from({ length: 50 }, () => connectPlain(server.server.devicePort, '127.0.0.1').on('error', () => undefined));
    for (const { socket } of idle.slice(0, 100)) socket.write('POST /device/v1/reports HTTP/1.1\r\nhost: localhost\r\n');
    const took: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const since = performance.now();
      await isServed();
      took.push(performance.now() - since);
    }
    took.sort((a, b) => a - b);
    expect(took[4]).toBeLessThan(500);
    expect(idle.every(({ socket }) => !socket.destroyed)).toBe(true);
    collect();
    const after = process.memoryUsage();
    // Both ends of each are in this process.
    expect((after.heapUsed + after.external - before.heapUsed - before.external) / MIB).toBeLessThan(100);
    for (const { socket } of idle) socket.destroy();
    for (const socket of half) socket.destroy();
  });

  it('after connection with a body of a mebibyte leaves no memory behind', { timeout: 60_000 }, async () => {
    const body = JSON.stringify({ schema: 1, a: 'a'.repeat(MIB - 100) });
    const round = async (count: number) => {
      for (let sent = 0; sent < count; sent += 10) {
        const replies = await Promise.all(Array.from({ length: 10 }, () => desk.ask({ method: 'POST', path: '/device/v1/reports', body })));
        expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(400));
      }
      await sleep(50);
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return (heapUsed + external) / MIB;
    };
    const before = await round(20);
    expect((await round(60)) - before).toBeLessThan(20);
  });
});

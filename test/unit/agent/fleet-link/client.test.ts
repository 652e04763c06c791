import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFleetClient, type FleetClient, type FleetClientSettings } from '../../../../agent/fleet-link/client.ts';
import { chooseProxy } from '../../../../agent/host/proxy-settings.ts';
import type { Heartbeat } from '../../../../contracts/fleet-api.ts';
import type { Enrolment } from '../../../../contracts/identity.ts';
import { issueServer, newAuthority } from '../../../servers/fleet/authority.ts';
import type { Misbehaviour } from '../../../servers/fleet/misbehaviour.ts';
import { proxyServer } from '../../../servers/proxy.ts';
import { closedPort, type TestServer, tcpServer } from '../../../servers/tcp.ts';
import { tlsServer } from '../../../servers/tls.ts';
import { sampleSituation } from './sample-situation.ts';
import { agent, DAY_MS, DEADLINES, type Stage, stage } from './staged-link.ts';

let staged: Stage;
let enrolled: Enrolment;
beforeAll(async () => {
  staged = await stage();
  enrolled = (await staged.enrolled(await staged.newDir())).enrolled;
});
afterAll(() => staged.close());

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  staged.fleet.misbehave('*', null);
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function clientOf(more: Partial<FleetClientSettings> = {}): FleetClient {
  const client = createFleetClient({
    server: staged.fleet.url,
    ca: enrolled.trust.ca,
    credentials: { certificate: enrolled.certificate, key: enrolled.key },
    proxyFor: () => null,
    clock: staged.clock,
    deadlines: DEADLINES,
    ...more,
  });
  opened.push(client);
  return client;
}

function heartbeat(): Heartbeat {
  const held = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };
  return { schema: 1, sentAt: new Date(staged.clock.wallMs()).toISOString(), agent, ...sampleSituation('clear'), held, refused: [] };
}

async function faultOf(client: FleetClient) {
  const answer = await client.heartbeat(heartbeat());
  if (answer.ok) throw new Error('answered');
  return answer.fault;
}

async function opening<T extends TestServer>(server: Promise<T>): Promise<T> {
  const started = await server;
  opened.push(started);
  return started;
}

/** The fleet behind a wire that counts the connections, and can be cut. */
async function wired() {
  const wires = new Set<Socket>();
  const relay = await opening(
    tcpServer((near) => {
      const far = connect(Number(new URL(staged.fleet.url).port), '127.0.0.1');
      wires.add(near);
      far.on('error', () => {});
      near.pipe(far).pipe(near);
      near.on('close', () => far.destroy());
    }),
  );
  const cut = () => {
    for (const wire of wires) wire.destroy();
  };
  return { server: `https://127.0.0.1:${relay.port}`, connections: relay.connections, cut };
}

it('asks over one connection, which the pinned CA vouches for', async () => {
  const { server, connections } = await wired();
  const client = clientOf({ server });
  const [beat, policy] = await Promise.all([client.heartbeat(heartbeat()), client.documents('policy', 0)]);
  expect(beat).toMatchObject({ ok: true, value: { latest: { policy: 0 }, wantFull: false } });
  expect(policy).toEqual({ ok: true, value: { schema: 1, documents: [] } });
  expect(await client.documents('keys', 0)).toMatchObject({ ok: true });
  expect(connections()).toBe(1);
});

it('connects again when the connection was lost between two questions', async () => {
  const { server, connections, cut } = await wired();
  const client = clientOf({ server });
  expect(await client.documents('policy', 0)).toMatchObject({ ok: true });
  cut();
  await delay(50);
  expect(await client.documents('policy', 0)).toMatchObject({ ok: true });
  expect(connections()).toBe(2);
});

it('ends what is under way, and what waits for it, as stopped', async () => {
  staged.fleet.misbehave('/device/v1/heartbeat', { does: 'silent' }, 1);
  const client = clientOf();
  const asked = Promise.all([client.heartbeat(heartbeat()), client.documents('keys', 0)]);
  await delay(100);
  await client.close();
  const stopped = { ok: false, fault: { code: 'stopped' } };
  expect(await asked).toMatchObject([stopped, stopped]);
  expect(await client.documents('keys', 0)).toMatchObject(stopped);
});

describe('an answer that is none', () => {
  it.each<[Misbehaviour, object]>([
    [
      { does: 'refuse', status: 403, code: 'revoked' },
      { code: 'revoked', detail: 'as the test wants it' },
    ],
    [
      { does: 'refuse', status: 429, code: 'slow-down', retryAfterSec: 7 },
      { code: 'slow-down', retryAfterMs: 7_000 },
    ],
    [
      { does: 'refuse', status: 503, code: 'unavailable', retryAfterSec: 86_400 },
      { code: 'unavailable', retryAfterMs: 15 * 60_000 },
    ],
    [
      { does: 'status', status: 503, retryAfter: 'soon' },
      { code: 'unavailable', detail: 'HTTP 503' },
    ],
    [
      { does: 'status', status: 500 },
      { code: 'bad-answer', detail: 'HTTP 500' },
    ],
    [{ does: 'redirect' }, { code: 'bad-answer', detail: 'HTTP 302: the fleet sends nobody elsewhere' }],
    [{ does: 'garbage' }, { code: 'bad-answer', detail: 'HTTP 200, and no JSON' }],
    [{ does: 'wrong-shape' }, { code: 'bad-answer' }],
    [{ does: 'not-http' }, { code: 'bad-answer' }],
    [{ does: 'huge' }, { code: 'bad-answer', detail: 'an answer of more than 65536 bytes' }],
    [{ does: 'huge-head' }, { code: 'bad-answer' }],
    [{ does: 'cut' }, { code: 'offline' }],
  ])('%j is told as what it is, and the next answer counts again', async (how, expected) => {
    staged.fleet.misbehave('/device/v1/heartbeat', how, 1);
    const client = clientOf();
    expect(await faultOf(client)).toMatchObject(expected);
    expect(await client.heartbeat(heartbeat())).toMatchObject({ ok: true });
  });

  it.each<[Misbehaviour, object]>([
    [{ does: 'silent' }, { totalMs: 700 }],
    [{ does: 'slow' }, { totalMs: 700 }],
    [{ does: 'silent' }, { headersMs: 300 }],
    // It says something every 50 ms.
    [{ does: 'slow' }, { bodyMs: 40 }],
  ])('%j ends at the deadline %j', async (how, deadline) => {
    staged.fleet.misbehave('/device/v1/heartbeat', how, 1);
    const client = clientOf({ deadlines: { ...DEADLINES, ...deadline } });
    const startedMs = performance.now();
    expect(await faultOf(client)).toEqual({ code: 'timed-out', detail: 'timed-out' });
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(await client.documents('keys', 0)).toMatchObject({ ok: true });
  });
});

describe('the way to the fleet', () => {
  it('tells a name that does not exist', async () => {
    expect(await faultOf(clientOf({ server: 'https://fleet.invalid' }))).toMatchObject({ code: 'dns' });
  });

  it('tells a port on which nobody listens', async () => {
    const port = await closedPort();
    expect(await faultOf(clientOf({ server: `https://127.0.0.1:${port}` }))).toEqual({
      code: 'refused',
      detail: `no connection to 127.0.0.1:${port}: ECONNREFUSED`,
    });
  });

  it('tells a listener that says nothing', async () => {
    const silent = await opening(tcpServer((socket) => socket.resume()));
    const quick = { ...DEADLINES, handshakeMs: 300 };
    expect(await faultOf(clientOf({ server: `https://127.0.0.1:${silent.port}`, deadlines: quick }))).toMatchObject({ code: 'timed-out' });
  });

  it('tells a listener that speaks no TLS', async () => {
    const plain = await opening(tcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')));
    expect(await faultOf(clientOf({ server: `https://127.0.0.1:${plain.port}` }))).toMatchObject({ code: 'tls-failed' });
  });
});

describe('a certificate that is not the fleet’s', () => {
  async function meet(leaf: ReturnType<typeof issueServer>, above: readonly { certPem: string; keyPem: string }[] = []) {
    const requests: string[] = [];
    const server = await opening(tlsServer({ leaf, above }, (_socket, request) => requests.push(request)));
    const found = await faultOf(clientOf({ server: `https://127.0.0.1:${server.port}` }));
    expect(requests).toEqual([]);
    return found;
  }

  it.each([[true], [false]])('names who inspects TLS on the way (its CA presented: %s)', async (presents) => {
    const inspector = newAuthority('Example Inspect');
    const found = await meet(issueServer(inspector, ['127.0.0.1']), presents ? [inspector] : []);
    expect(found).toEqual({
      code: 'tls-inspected',
      detail:
        'the certificate of 127.0.0.1 is issued by CN=Example Inspect, not by the fleet’s own CA: ' +
        'the inspection of TLS must leave out the fleet’s host',
    });
  });

  it('tells a fleet whose CA was made anew', async () => {
    const renewed = newAuthority();
    expect(await meet(issueServer(renewed, ['127.0.0.1']))).toMatchObject({
      code: 'tls-untrusted',
      detail: expect.stringMatching(/another key/),
    });
  });

  it('tells one that is self-signed', async () => {
    expect(await meet(newAuthority('fleet.example.com'))).toMatchObject({
      code: 'tls-untrusted',
      detail: expect.stringMatching(/self-signed/),
    });
  });

  it('tells one of the fleet’s CA for another host', async () => {
    const { ca } = staged.fleet.state;
    expect(await meet(issueServer(ca, ['other.example.com']))).toEqual({
      code: 'tls-name',
      detail: 'the certificate is for other.example.com, not for 127.0.0.1',
    });
  });

  it.each([
    ['has ended', -20 * DAY_MS, -10 * DAY_MS],
    ['has not begun', 10 * DAY_MS, 20 * DAY_MS],
  ])('tells a clock by which it %s', async (_name, fromMs, untilMs) => {
    const now = Date.now();
    const { ca } = staged.fleet.state;
    const leaf = issueServer(ca, ['127.0.0.1'], { notBefore: new Date(now + fromMs), notAfter: new Date(now + untilMs) });
    const found = await meet(leaf);
    expect(found.code).toBe('clock');
    expect(found.detail).toContain(new Date(staged.clock.wallMs()).toISOString());
  });
});

describe('a proxy', () => {
  const through = (port: number, noProxy = '') => chooseProxy('env', { httpsProxy: `http://desk:s%20cret@127.0.0.1:${port}`, noProxy });

  it('is asked for a tunnel, in which the fleet’s own certificate is still wanted', async () => {
    const proxy = await opening(proxyServer({ toPort: staged.fleet.port }));
    expect(await clientOf({ proxyFor: through(proxy.port) }).heartbeat(heartbeat())).toMatchObject({ ok: true });
    expect(proxy.heads[0]).toContain(`CONNECT 127.0.0.1:${staged.fleet.port} HTTP/1.1\r\n`);
    expect(proxy.heads[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from('desk:s cret').toString('base64')}`);

    const inspector = newAuthority('Example Inspect');
    const inside = await opening(tlsServer({ leaf: issueServer(inspector, ['127.0.0.1']) }, () => {}));
    const inspecting = await opening(proxyServer({ toPort: inside.port }));
    expect(await faultOf(clientOf({ proxyFor: through(inspecting.port) }))).toMatchObject({
      code: 'tls-inspected',
      detail: expect.stringMatching(/Example Inspect/),
    });
  });

  it('is passed by where NO_PROXY says so', async () => {
    const proxy = await opening(proxyServer({ toPort: staged.fleet.port }));
    expect(await clientOf({ proxyFor: through(proxy.port, '127.0.0.1') }).heartbeat(heartbeat())).toMatchObject({ ok: true });
    expect(proxy.heads).toEqual([]);
  });

  it('that refuses, is silent or is not there is told apart from the fleet, without its password', async () => {
    const refusing = await opening(proxyServer({ answer: 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n' }));
    const silent = await opening(proxyServer({ answer: '' }));
    const quick = { ...DEADLINES, tunnelMs: 300 };
    const faults = await Promise.all([
      faultOf(clientOf({ proxyFor: through(refusing.port) })),
      faultOf(clientOf({ proxyFor: through(silent.port), deadlines: quick })),
      faultOf(clientOf({ proxyFor: through(await closedPort()) })),
      faultOf(clientOf({ proxyFor: chooseProxy('env', { httpsProxy: 'socks5://127.0.0.1:1' }) })),
    ]);
    expect(faults.map(({ code }) => code)).toEqual(['proxy', 'proxy', 'proxy', 'proxy']);
    expect(faults[0]?.detail).toMatch(/answers 407/);
    expect(JSON.stringify(faults)).not.toMatch(/s%20cret|s cret|ZGVzazpz/);
  });
});

it('ends what is under way when it is closed, and answers nothing afterwards', async () => {
  staged.fleet.misbehave('/device/v1/heartbeat', { does: 'silent' }, 1);
  const client = clientOf();
  const asked = faultOf(client);
  setTimeout(() => void client.close(), 100);
  expect(await asked).toMatchObject({ code: 'stopped' });
  expect(await faultOf(client)).toMatchObject({ code: 'stopped' });
});

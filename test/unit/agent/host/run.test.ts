import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDaemonHost } from '../../../../agent/host/daemon-host.ts';
import { hostileTls } from '../../../servers/hostile-tls.ts';
import { HOST, issue, sha256Of } from '../../../servers/pki.ts';
import { proxyServer } from '../../../servers/proxy.ts';
import { closedPort, type TestServer, tcpServer, writeForEver } from '../../../servers/tcp.ts';
import { tlsServer } from '../../../servers/tls.ts';
import { udpServer } from '../../../servers/udp.ts';
import { SHORT, type Stage, stage } from './staged-net.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage({ two: ['127.0.0.1', '127.0.0.2'] });
});
afterAll(() => staged.close());

const servers: { close(): Promise<void> }[] = [];
async function kept<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  servers.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const patient = {
  ...SHORT,
  resolverMs: 20_000,
  resolverTryMs: 20_000,
  connectMs: 20_000,
  handshakeMs: 20_000,
  httpMs: 20_000,
  plainMs: 20_000,
  endpointMs: 60_000,
};

describe('a run', () => {
  it('asks a question once', async () => {
    const { net } = staged.open();
    const before = staged.dns.questions.length;
    const [one, two] = await Promise.all([net.resolve('desk.example.test', 4), net.resolve('DESK.example.test', 4)]);
    expect(two).toBe(one);
    const server = await kept(tcpServer(() => {}));
    const target = { host: HOST, port: server.port };
    await Promise.all([net.connectDirect(target), net.connectDirect({ ...target }), net.connectDirect(target)]);
    expect(server.connections()).toBe(1);
    expect(staged.dns.questions.length - before).toBe(1);
  });

  it('ends everything at once when it is aborted', async () => {
    const silent = await kept(hostileTls.silent());
    const { net, abort } = staged.open({ deadlines: patient, plainPort: silent.port });
    const target = { host: HOST, port: silent.port };
    const work = Promise.all([
      net.resolve('silent.example.test', 4),
      net.endpoint(target),
      net.upgrade(target, '/'),
      net.plain(HOST),
      net.exchange({
        host: 'turn.example.com',
        address: '127.0.0.1',
        port: 9,
        datagrams: [],
        listenMs: 20_000,
        socket: 'both',
        isEnough: () => false,
      }),
    ]);
    await pause(150);
    const abortedAt = performance.now();
    abort.abort();
    const [name, endpoint, upgrade, plain, udp] = await work;
    expect(performance.now() - abortedAt).toBeLessThan(2_000);
    expect(name.resolver.code).toBe('timed-out');
    expect(endpoint.failure).toEqual({ step: 'tls', kind: 'other', code: 'aborted' });
    expect(upgrade.failure).toEqual({ step: 'tls', kind: 'other', code: 'aborted' });
    expect(plain.failure).toEqual({ step: 'http', kind: 'other', code: 'aborted' });
    expect(udp.events).toEqual([]);
    expect((await net.connectDirect(target)).failure?.code).toBe('aborted');
  });

  it('keeps to its number of open sockets, and waiting counts against no deadline', async () => {
    let open = 0;
    let most = 0;
    const start = () =>
      kept(
        tcpServer((socket) => {
          open += 1;
          most = Math.max(most, open);
          socket.resume();
          socket.on('close', () => {
            open -= 1;
          });
        }),
      );
    const started: TestServer[] = await Promise.all(Array.from({ length: 8 }, start));
    const { net } = staged.open({ concurrency: 2, deadlines: { ...SHORT, handshakeMs: 100, endpointMs: 300 } });
    const seen = await Promise.all(started.map(({ port }) => net.endpoint({ host: HOST, port })));
    expect(seen.map(({ failure }) => failure)).toEqual(seen.map(() => ({ step: 'tls', kind: 'timed-out', code: 'timed-out' })));
    // A server sees a connection end a moment after the next one may have begun.
    expect(most).toBeLessThanOrEqual(4);
  });

  it('never rejects, whatever it is asked', async () => {
    const { net } = staged.open({}, { extraRoots: ['-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----'] });
    for (const host of ['', '.', 'a b', 'x\r\ny', '::1%none', 'ü.example.test', 'a'.repeat(300)]) {
      expect((await net.endpoint({ host, port: 443 })).failure).not.toBeNull();
      expect((await net.plain(host)).failure).not.toBeNull();
    }
    const closed = await closedPort();
    expect((await net.upgrade({ host: '127.0.0.1', port: closed }, '/ ü\r\n')).failure).not.toBeNull();
    expect((await net.connectDirect({ host: '127.0.0.1', port: 70_000 })).failure).not.toBeNull();
    const server = await kept(tlsServer({ leaf: staged.pki.leaf() }));
    const refused = await net.upgrade({ host: '127.0.0.1', port: server.port }, '/ ü\r\n');
    expect(refused.failure).toEqual({ step: 'http', kind: 'other', code: 'ERR_UNESCAPED_CHARACTERS' });
  });

  it('gives its parts to a host', () => {
    const { net } = staged.open();
    const memory = { turnAnswered: () => false };
    const host = createDaemonHost({ platform: 'linux', vantage: 'endpoint', net, memory });
    expect(host).toMatchObject({ platform: 'linux', vantage: 'endpoint', net, memory });
    expect(Math.abs(host.clock.wallMs() - Date.now())).toBeLessThan(1_000);
    expect(net.random(12)).toHaveLength(12);
  });
});

it('tells a root that only this computer trusts', async () => {
  const { pki, dns } = staged;
  const server = await kept(tlsServer({ leaf: issue({ commonName: HOST, names: [HOST] }, pki.leafKeyPem, pki.foreignRoot) }));
  const directory = await mkdtemp(join(tmpdir(), 'deskwarden-'));
  const rootPath = join(directory, 'root.pem');
  await writeFile(rootPath, pki.foreignRoot.certPem);
  const script = fileURLToPath(new URL('../../../servers/endpoint-once.ts', import.meta.url));
  const run = promisify(execFile);
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: rootPath };
  const { stdout } = await run(process.execPath, ['--import', 'tsx', script, dns.server, HOST, String(server.port)], { env });
  await rm(directory, { recursive: true });
  const anchor = { kind: 'local', name: 'Inspection CA', sha256: sha256Of(pki.foreignRoot.certPem) };
  expect(JSON.parse(stdout)).toEqual({ anchor, failure: null });
}, 20_000);

describe('a batch of hostile peers', () => {
  const watched = ['TCPSocketWrap', 'TLSWrap', 'UDPWrap', 'Timeout', 'GetAddrInfoReqWrap', 'ProcessWrap'];
  const active = () =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => watched.includes(kind))
      .sort();

  async function batch(): Promise<number> {
    const peers = await Promise.all([
      ...Object.values(hostileTls).map((start) => start()),
      tlsServer({ leaf: staged.pki.leaf(), above: Array(1_000).fill(staged.pki.intermediate) }),
      tlsServer({ leaf: staged.pki.leaf() }, (socket) => writeForEver(socket, 'x'.repeat(16_384), 1)),
      tcpServer((socket) => writeForEver(socket, Buffer.alloc(64_000, 7), 1)),
      proxyServer({ answer: '' }),
    ]);
    const udp = await udpServer((socket, bytes, from) => {
      for (let n = 0; n < 1_000; n += 1) socket.send(bytes, from.port, from.address, () => {});
    });
    const { net, close } = staged.open({ plainPort: peers[0]?.port ?? 0 });
    const seen = await Promise.all([
      ...peers.flatMap(({ port }) => {
        const target = { host: HOST, port };
        return [net.endpoint(target), net.upgrade(target, '/'), net.connectDirect({ ...target, host: 'two.example.test' })];
      }),
      net.plain(HOST),
      ...['silent', 'truncated', 'many', 'loop', 'garbage'].map((label) => net.resolve(`${label}.example.test`, 6)),
      net.exchange({
        host: 'turn.example.com',
        address: '127.0.0.1',
        port: udp.port,
        datagrams: [0, 50, 100].map((atMs) => ({ atMs, bytes: new Uint8Array(1_000) })),
        listenMs: 300,
        socket: 'both',
        isEnough: () => false,
      }),
    ]);
    await close();
    await Promise.all([udp, ...peers].map((server) => server.close()));
    return seen.length;
  }

  it('leaves no handle and little memory', async () => {
    const used = () => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    // The first batch fills what is filled once: the index of public roots, and compiled code.
    await batch();
    await pause(50);
    const handlesBefore = active();
    const bytesBefore = used();
    for (let round = 0; round < 3; round += 1) expect(await batch()).toBe(46);
    await pause(100);
    expect(active()).toEqual(handlesBefore);
    // Generous, since nothing here can force a collection: garbage is counted too.
    expect(used() - bytesBefore).toBeLessThan(64 * 1_024 * 1_024);
  }, 30_000);
});

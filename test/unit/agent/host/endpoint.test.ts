import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FailKind } from '../../../../checks/network/observations.ts';
import { hostileTls } from '../../../servers/hostile-tls.ts';
import { HOST, issue, newKeyPem, sha256Of } from '../../../servers/pki.ts';
import { closedPort, type TestServer, tcpServer } from '../../../servers/tcp.ts';
import { answerOk, tlsServer } from '../../../servers/tls.ts';
import { SHORT, type Stage, stage } from './staged-net.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage({ two: ['127.0.0.1', '127.0.0.2'], six: ['::1'] });
});
afterAll(() => staged.close());

const servers: TestServer[] = [];
async function on(server: Promise<TestServer>): Promise<{ host: string; port: number }> {
  const started = await server;
  servers.push(started);
  return { host: HOST, port: started.port };
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const good = () => ({ leaf: staged.pki.leaf(), above: [staged.pki.intermediate] });

describe('a good endpoint', () => {
  it('gives every fact', async () => {
    const target = await on(tlsServer(good()));
    const { net, steps } = staged.open();
    const seen = await net.endpoint(target);
    expect(seen).toMatchObject({
      ...target,
      path: 'direct',
      address: '127.0.0.1',
      attempts: [{ address: '127.0.0.1', ok: true, failure: null }],
      failure: null,
      tls: {
        protocol: 'TLSv1.3',
        forwardSecrecy: true,
        neededLegacy: false,
        nameMatches: true,
        names: [HOST],
        anchor: { kind: 'expected', name: 'Example Root', sha256: sha256Of(staged.pki.root.certPem) },
      },
      http: { status: 200, location: null },
    });
    expect(seen.tls?.chain).toMatchObject([
      {
        subject: `CN=${HOST}`,
        subjectOrg: '',
        issuer: 'CN=Example Issuing, O=Example Trust',
        issuerOrg: 'Example Trust',
        selfSigned: false,
      },
      { subject: 'CN=Example Issuing, O=Example Trust', issuer: 'CN=Example Root, O=Example Trust', selfSigned: false },
    ]);
    expect(Math.abs(seen.http?.clockOffsetMs ?? Number.NaN)).toBeLessThan(1_000);
    expect([seen.handshakeMs, seen.httpMs, seen.attempts[0]?.connectMs].every((ms) => ms != null && ms >= 0)).toBe(true);
    const about = `${HOST}:${target.port}/tcp`;
    expect(steps.map((step) => step.replace(/\d+ ms/, 'n ms'))).toEqual([
      `${about} dns started `,
      `${about} dns ok 127.0.0.1`,
      `${about} tcp started `,
      `${about} tcp ok 127.0.0.1`,
      `${about} tls started `,
      `${about} tls ok TLSv1.3 n ms`,
      `${about} http started `,
      `${about} http ok 200`,
    ]);
  });

  it('is asked once however many callers there are', async () => {
    const server = await tlsServer(good());
    const target = await on(Promise.resolve(server));
    const { net } = staged.open();
    const [one, two] = await Promise.all([net.endpoint(target), net.endpoint({ ...target, host: HOST.toUpperCase() })]);
    expect(two).toBe(one);
    expect(await net.endpoint(target)).toBe(one);
    expect(server.connections()).toBe(1);
  });

  it('is told with a clock that is an hour ahead', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const target = await on(
      tlsServer(good(), (socket) => socket.end(`HTTP/1.1 302 Found\r\nDate: ${date}\r\nLocation: https://portal.example/\r\n\r\n`)),
    );
    const { http } = await staged.open().net.endpoint(target);
    expect(http).toMatchObject({ status: 302, location: 'https://portal.example/' });
    expect(Math.abs((http?.clockOffsetMs ?? 0) - 3_600_000)).toBeLessThan(1_000);
  });

  it('is told by a cache, whose date is that of the stored answer', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const target = await on(tlsServer(good(), (socket) => socket.end(`HTTP/1.1 403 No\r\nDate: ${date}\r\nAge: 3600\r\n\r\n`)));
    expect((await staged.open().net.endpoint(target)).http).toEqual({ status: 403, clockOffsetMs: null, location: null });
  });

  it('is reached by the second address when nobody listens on the first', async () => {
    const target = await on(tlsServer(good()));
    const seen = await staged.open().net.endpoint({ ...target, host: 'two.example.test' });
    expect(seen.attempts).toHaveLength(2);
    expect(seen.address).toBe('127.0.0.1');
    expect(seen.tls?.nameMatches).toBe(false);
  });
});

describe('the way to it', () => {
  it('has no name', async () => {
    const { net } = staged.open();
    const failure = { step: 'dns', kind: 'name-unresolved', code: 'not-found' };
    expect(await net.endpoint({ host: 'nxdomain.example.test', port: 443 })).toMatchObject({ failure, attempts: [], tls: null });
    expect(await net.connectDirect({ host: 'nxdomain.example.test', port: 443 })).toEqual({ attempts: [], failure });
  });

  it('ends at a closed port', async () => {
    const { net } = staged.open();
    const target = { host: HOST, port: await closedPort() };
    const failure = { step: 'tcp', kind: 'refused', code: 'ECONNREFUSED' };
    expect(await net.endpoint(target)).toMatchObject({ failure, address: null, attempts: [{ address: '127.0.0.1', ok: false, failure }] });
    expect(await net.connectDirect(target)).toMatchObject({ failure });
  });

  it('is open to a plain connect', async () => {
    const target = await on(tcpServer(() => {}));
    const seen = await staged.open().net.connectDirect(target);
    expect(seen).toMatchObject({ failure: null, attempts: [{ ok: true }] });
  });
});

const handshakes: [keyof typeof hostileTls, FailKind][] = [
  ['silent', 'timed-out'],
  ['oneByteASecond', 'timed-out'],
  ['endlessRecords', 'timed-out'],
  ['garbageCertificate', 'malformed'],
  ['plainText', 'not-tls'],
  ['httpText', 'not-tls'],
  ['resetAfterHello', 'reset'],
  ['finAfterHello', 'closed'],
  ['finAtOnce', 'closed'],
];

describe('a peer that is no TLS server', () => {
  it.each(handshakes)('%s: %s', async (peer, kind) => {
    const target = await on(hostileTls[peer]());
    const startedAt = performance.now();
    const seen = await staged.open().net.endpoint(target);
    expect(seen).toMatchObject({ failure: { step: 'tls', kind }, tls: null, http: null, attempts: [{ ok: true }] });
    expect(performance.now() - startedAt).toBeLessThan(SHORT.handshakeMs + 1_000);
  });

  it('presents a thousand certificates', async () => {
    const target = await on(tlsServer({ leaf: staged.pki.leaf(), above: Array(1_000).fill(staged.pki.intermediate) }));
    const seen = await staged.open().net.endpoint(target);
    expect(seen.failure).toMatchObject({ step: 'tls', kind: 'malformed' });
  });

  it('has no cipher in common', async () => {
    const target = await on(
      tlsServer(good(), answerOk, { maxVersion: 'TLSv1.2', ciphers: 'PSK-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256' }),
    );
    expect((await staged.open().net.endpoint(target)).failure).toMatchObject({ step: 'tls', kind: 'handshake-refused' });
  });
});

describe('what the server can do', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('%s only: a second handshake tells', async (version) => {
    const target = await on(tlsServer(good(), answerOk, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }));
    const seen = await staged.open().net.endpoint(target);
    expect(seen).toMatchObject({
      failure: null,
      tls: { protocol: version, neededLegacy: true, anchor: { kind: 'expected' } },
      http: { status: 200 },
    });
  });

  it('refuses every version', async () => {
    const alert = Buffer.from([21, 3, 3, 0, 2, 2, 70]);
    const target = await on(tcpServer((socket) => socket.once('data', () => socket.end(alert))));
    const seen = await staged.open().net.endpoint(target);
    expect(seen).toMatchObject({ failure: { step: 'tls', kind: 'protocol-version' }, tls: null });
  });

  it('RSA key exchange only: no forward secrecy', async () => {
    const options = { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384:AES128-GCM-SHA256' } as const;
    const seen = await staged.open().net.endpoint(await on(tlsServer(good(), answerOk, options)));
    expect(seen.tls).toMatchObject({ protocol: 'TLSv1.2', cipher: 'TLS_RSA_WITH_AES_256_GCM_SHA384', forwardSecrecy: false });
  });

  it('TLS 1.2 with ECDHE has it', async () => {
    const seen = await staged.open().net.endpoint(await on(tlsServer(good(), answerOk, { maxVersion: 'TLSv1.2' })));
    expect(seen.tls).toMatchObject({ protocol: 'TLSv1.2', forwardSecrecy: true });
  });
});

describe('the certificate', () => {
  const seenWith = async (identity: Parameters<typeof tlsServer>[0], extraRoots: string[] = []) => {
    const target = await on(tlsServer(identity));
    const { tls, failure } = await staged.open({}, { extraRoots }).net.endpoint(target);
    expect(failure).toBeNull();
    return tls;
  };
  const past = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2021-01-01T00:00:00Z') };
  const foreign = (subject = {}) => issue({ commonName: HOST, names: [HOST], ...subject }, staged.pki.leafKeyPem, staged.pki.foreignRoot);

  it('has expired: the anchor is still found', async () => {
    const { pki } = staged;
    const tls = await seenWith({ leaf: pki.leaf(past), above: [pki.intermediate] });
    expect(tls).toMatchObject({ anchor: { kind: 'expected' }, nameMatches: true, chain: [{ notAfterMs: Date.UTC(2021, 0, 1) }, {}] });
  });

  it('is for another host', async () => {
    const { pki } = staged;
    const tls = await seenWith({ leaf: pki.leaf({ names: ['other.example.test', '192.0.2.1'] }), above: [pki.intermediate] });
    expect(tls).toMatchObject({ nameMatches: false, names: ['other.example.test', '192.0.2.1'], anchor: { kind: 'expected' } });
  });

  it('is its own issuer', async () => {
    const tls = await seenWith({ leaf: issue({ commonName: HOST, names: [HOST] }, staged.pki.leafKeyPem) });
    expect(tls).toMatchObject({ anchor: { kind: 'self-signed-leaf', name: HOST }, chain: [{ selfSigned: true }] });
  });

  it('comes without its intermediate', async () => {
    const tls = await seenWith({ leaf: staged.pki.leaf() });
    expect(tls?.anchor).toEqual({ kind: 'incomplete', name: 'Example Issuing', sha256: null });
  });

  it("is a foreign CA's, whether or not it has expired and whether or not the root comes along", async () => {
    for (const leaf of [foreign(), foreign(past)]) {
      for (const above of [[], [staged.pki.foreignRoot]]) {
        expect((await seenWith({ leaf, above }))?.anchor).toMatchObject({ kind: 'unknown', name: 'Inspection CA' });
      }
    }
  });

  it("is a foreign CA's that the policy names", async () => {
    const { foreignRoot } = staged.pki;
    expect((await seenWith({ leaf: foreign() }, [foreignRoot.certPem]))?.anchor).toEqual({
      kind: 'expected',
      name: 'Inspection CA',
      sha256: sha256Of(foreignRoot.certPem),
    });
  });

  it('is of an expected root that a foreign one has signed too', async () => {
    const { root, intermediate, foreignRoot, leaf } = staged.pki;
    const crossed = issue({ commonName: 'Example Root', organisation: 'Example Trust', isCa: true }, root.keyPem, foreignRoot);
    const tls = await seenWith({ leaf: leaf(), above: [intermediate, crossed, foreignRoot] });
    expect(tls?.anchor).toEqual({ kind: 'expected', name: 'Example Root', sha256: sha256Of(root.certPem) });
    expect(tls).toMatchObject({ pathLength: 2, chain: { length: 4 } });
  });

  it('only bears the names of an expected chain', async () => {
    const fakeRoot = issue({ commonName: 'Example Root', organisation: 'Example Trust', isCa: true }, newKeyPem());
    const fake = issue({ commonName: 'Example Issuing', organisation: 'Example Trust', isCa: true }, newKeyPem(), fakeRoot);
    const leaf = issue({ commonName: HOST, names: [HOST] }, staged.pki.leafKeyPem, fake);
    expect((await seenWith({ leaf, above: [staged.pki.intermediate] }))?.anchor.kind).toBe('unknown');
    expect((await seenWith({ leaf, above: [fake, fakeRoot] }))?.anchor.kind).toBe('unknown');
  });

  it('is vouched for by a leaf of the expected root, which may not', async () => {
    const lender = issue({ commonName: 'customer.example.test' }, newKeyPem(), staged.pki.intermediate);
    const leaf = issue({ commonName: HOST, names: [HOST] }, staged.pki.leafKeyPem, lender);
    expect((await seenWith({ leaf, above: [lender, staged.pki.intermediate] }))?.anchor.kind).toBe('unknown');
  });
});

describe('the answer over TLS', () => {
  const answers: [string, FailKind, (socket: TLSSocket) => void][] = [
    ['silence', 'timed-out', () => {}],
    ['garbage', 'malformed', (socket) => socket.write('\u0001\u0002 no http at all\r\n\r\n')],
    ['an endless head', 'malformed', (socket) => endless(socket, 'HTTP/1.1 200 OK\r\n', `X-Filler: ${'x'.repeat(1_000)}\r\n`, 1)],
    ['a slow head', 'timed-out', (socket) => endless(socket, 'HTTP/1.1 200 OK\r\n', 'x', 50)],
    ['hints without end', 'timed-out', (socket) => endless(socket, '', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', 1)],
    ['the end', 'closed', (socket) => socket.end()],
  ];

  it.each(answers)('%s: %s, and the TLS facts stand', async (_name, kind, react) => {
    const seen = await staged.open().net.endpoint(await on(tlsServer(good(), react)));
    expect(seen).toMatchObject({ failure: { step: 'http', kind }, tls: { anchor: { kind: 'expected' } }, http: null, httpMs: null });
  });

  it('an endless body: only the head is read', async () => {
    const target = await on(tlsServer(good(), (socket) => endless(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(16_384), 1)));
    expect(await staged.open().net.endpoint(target)).toMatchObject({ failure: null, http: { status: 200, clockOffsetMs: null } });
  });
});

function endless(socket: TLSSocket, head: string, more: string, everyMs: number): void {
  socket.write(head);
  const timer = setInterval(() => {
    if (socket.writableLength < 100_000) socket.write(more);
  }, everyMs);
  socket.on('close', () => clearInterval(timer));
}

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chooseProxy } from '../../../../agent/host/proxy-settings.ts';
import { HOST } from '../../../servers/pki.ts';
import { type ProxyServer, proxyServer } from '../../../servers/proxy.ts';
import { closedPort, type TestServer } from '../../../servers/tcp.ts';
import { answerOk, tlsServer } from '../../../servers/tls.ts';
import { type Stage, stage } from './staged-net.ts';

let staged: Stage;
let origin: TestServer;
beforeAll(async () => {
  staged = await stage({ proxy: ['127.0.0.1'] });
  origin = await tlsServer({ leaf: staged.pki.leaf(), above: [staged.pki.intermediate] });
});
afterAll(async () => {
  await staged.close();
  await origin.close();
});

const started: TestServer[] = [];
async function proxied(does: Parameters<typeof proxyServer>[0]): Promise<ProxyServer> {
  const proxy = await proxyServer(does);
  started.push(proxy);
  return proxy;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

const target = { host: HOST, port: 443 };

describe('a tunnel', () => {
  it('leads to the endpoint, whose name only the proxy resolves', async () => {
    const proxy = await proxied({ toPort: origin.port });
    const { net, steps } = staged.open({}, { proxy: `http://lab:s%20cret@proxy.example.test:${proxy.port}` });
    const seen = await net.endpoint({ host: 'nxdomain.example.test', port: 443 });
    expect(seen).toMatchObject({
      path: 'proxy',
      address: null,
      attempts: [],
      failure: null,
      tls: { anchor: { kind: 'expected' } },
      http: { status: 200 },
    });
    expect(proxy.heads[0]).toMatch(/^CONNECT nxdomain\.example\.test:443 HTTP\/1\.1\r\n/);
    expect(proxy.heads[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from('lab:s cret').toString('base64')}\r\n`);
    expect(steps.slice(0, 2)).toEqual(['nxdomain.example.test:443/tcp proxy started ', 'nxdomain.example.test:443/tcp proxy ok ']);
  });

  it('is opened a second time for an obsolete server', async () => {
    const old = await tlsServer({ leaf: staged.pki.leaf() }, answerOk, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    started.push(old);
    const proxy = await proxied({ toPort: old.port });
    const seen = await staged.open({}, { proxy: `http://127.0.0.1:${proxy.port}` }).net.endpoint(target);
    expect(seen).toMatchObject({ path: 'proxy', failure: null, tls: { protocol: 'TLSv1.1', neededLegacy: true } });
    expect(proxy.heads).toHaveLength(2);
  });

  it('carries an upgrade, and never a direct connect', async () => {
    const proxy = await proxied({ toPort: origin.port });
    const { net } = staged.open({ plainPort: origin.port }, { proxy: `http://127.0.0.1:${proxy.port}` });
    expect(await net.upgrade(target, '/')).toMatchObject({ path: 'proxy', status: 200, acceptOk: false });
    await net.connectDirect({ host: HOST, port: origin.port });
    await net.plain(HOST);
    expect(proxy.heads).toHaveLength(1);
  });

  it.each([407, 503])('is refused with %i', async (status) => {
    const proxy = await proxied({ answer: `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n` });
    const { net, steps } = staged.open({}, { proxy: `http://lab:hidden@127.0.0.1:${proxy.port}` });
    const failure = { step: 'proxy', kind: 'proxy-refused', code: String(status) };
    const seen = [await net.endpoint(target), await net.upgrade(target, '/')];
    expect(seen).toMatchObject([
      { path: 'proxy', failure, tls: null },
      { path: 'proxy', failure, status: null },
    ]);
    const told = JSON.stringify([seen, steps]);
    for (const secret of ['hidden', Buffer.from('lab:hidden').toString('base64')]) expect(told).not.toContain(secret);
  });

  it.each([
    ['silence', '', 'timed-out'],
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 'HPE_INVALID_CONSTANT'],
  ])('is answered with %s', async (_name, answer, code) => {
    const proxy = await proxied({ answer });
    const seen = await staged.open({}, { proxy: `http://127.0.0.1:${proxy.port}` }).net.endpoint(target);
    expect(seen.failure).toEqual({ step: 'proxy', kind: 'proxy-unreachable', code });
  });

  it('has no proxy at the other end', async () => {
    const proxies: [string, string][] = [
      [`http://127.0.0.1:${await closedPort()}`, 'ECONNREFUSED'],
      ['http://nxdomain.example.test:3128', 'not-found'],
    ];
    for (const [proxy, code] of proxies) {
      const seen = await staged.open({}, { proxy }).net.endpoint(target);
      expect(seen).toMatchObject({ path: 'proxy', attempts: [], failure: { step: 'proxy', kind: 'proxy-unreachable', code } });
    }
  });
});

describe('the choice of a proxy', () => {
  const proxy = { host: 'proxy.test', port: 3128, authorization: null };

  it("is the policy's", () => {
    expect(chooseProxy('none', { httpsProxy: 'http://proxy.test:3128' })('a.test', 443)).toBeNull();
    expect(chooseProxy('http://proxy.test:3128', { noProxy: '*' })('a.test', 443)).toEqual(proxy);
    expect(chooseProxy('env', {})('a.test', 443)).toBeNull();
    expect(chooseProxy('env', { httpsProxy: 'proxy.test:3128' })('a.test', 443)).toEqual(proxy);
    expect(chooseProxy('env', { httpsProxy: 'https://proxy.test' })('a.test', 443)).toEqual({ unusable: 'scheme https' });
    expect(chooseProxy('env', { httpsProxy: 'http://[::1]' })('a.test', 443)).toEqual({ host: '::1', port: 80, authorization: null });
  });

  const exceptions: [string, string, boolean][] = [
    ['*', 'a.test', true],
    ['a.test', 'A.test', true],
    ['a.test', 'b.a.test', true],
    ['a.test', 'ba.test', false],
    ['.a.test', 'b.a.test', true],
    ['*.a.test', 'b.a.test', true],
    ['.a.test', 'a.test', false],
    ['.a.test', 'ba.test', false],
    ['b.test, a.test:443', 'a.test', true],
    ['a1:8443', 'a1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['', 'a.test', false],
  ];

  it.each(exceptions)('NO_PROXY=%s and %s: direct %s', (noProxy, host, direct) => {
    expect(chooseProxy('env', { httpsProxy: 'http://proxy.test:3128', noProxy })(host, 443)).toEqual(direct ? null : proxy);
    const { net } = staged.open({ proxyEnv: { httpsProxy: 'http://proxy.test:3128', noProxy } }, { proxy: 'env' });
    expect(net.isProxied(host)).toBe(!direct);
  });
});

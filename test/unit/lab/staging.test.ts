import { beforeEach, describe, expect, it } from 'vitest';
import { describeMissing } from '../../../build/debian-tools.ts';
import { scenarios } from '../../lab/scenarios.ts';
import { type Lab, whyNoLab, withLab } from '../../lab/with-lab.ts';
import { instanceHost, transportHost, turnHosts, webHosts } from '../../lab/world.ts';
import { allocate, http, missingOpinions, node, resolve, stun, tls, train, upgrade } from './second-opinions.ts';

// What each scenario stages, said by other people's tools; how Deskwarden judges it is tested elsewhere.

const [turn, silentTurn] = Object.values(turnHosts) as [string, string];
const instance = webHosts[instanceHost] as string;
const participantHost = 'participant.connect.us-west-2.amazonaws.com';

const trusted = 'Verify return code: 0 (ok)';

async function isHealthyBesidesTurn(lab: Lab): Promise<void> {
  expect(await tls(lab, instanceHost)).toContain(trusted);
  expect(await resolve(lab, instanceHost)).toBe(instance);
}

async function isHealthyBesidesInstance(lab: Lab): Promise<void> {
  expect(await tls(lab, participantHost)).toContain(trusted);
}

const stagings: Record<string, (lab: Lab) => Promise<void>> = {
  healthy: async (lab) => {
    for (const host of Object.keys(webHosts)) {
      const said = await tls(lab, host);
      expect(said).toContain(trusted);
      expect(said).toMatch(/HTTP\/1.1 200 OK[\s\S]*Date: /);
    }
    for (const address of Object.values(turnHosts)) expect(await stun(lab, address)).toBe('answered');
    expect(await allocate(lab, turn)).toBe('refused');
    expect(await resolve(lab, 'TurnNlb-13c884fe3673ed9f.elb.us-west-2.amazonaws.com')).toBe('15.193.7.13');
    expect(await resolve(lab, 'unknown.example.com')).toBe('NXDOMAIN');
    expect(await http(lab, instance, 80, `GET /a HTTP/1.1\r\nHost: ${instanceHost}`)).toMatch(
      /^HTTP\/1.1 301 .*\r\nLocation: https:\/\/acme.my.connect.aws\/a\r\n/,
    );
    expect(await http(lab, '198.51.100.7', 443, '')).toBe('ECONNREFUSED');
    const upgraded = await upgrade(lab);
    expect(upgraded).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(upgraded).toMatch(/closed with 880203e8\s+politely/);
  },
  'udp-blocked': isUdpBlocked,
  'udp-blocked-unexpected': isUdpBlocked,
  'udp-rejected': async (lab) => {
    expect(await allocate(lab, turn)).toBe('icmp');
    expect(await lab.counter('blocked')).toBeGreaterThan(0);
    await isHealthyBesidesTurn(lab);
  },
  'turn-silent': async (lab) => {
    expect([await stun(lab, turn), await stun(lab, silentTurn)]).toEqual(['answered', 'silent']);
    expect(await lab.counter('blocked')).toBeGreaterThan(0);
  },
  'tcp-blocked': async (lab) => {
    expect(await tls(lab, participantHost)).toBe('silent');
    expect(await tls(lab, instanceHost)).toContain(trusted);
  },
  'dns-blocked': async (lab) => {
    expect(await resolve(lab, instanceHost)).toBe('silent');
    expect(await tls(lab, instanceHost)).toContain(trusted);
  },
  'dns-hijack': async (lab) => {
    for (const host of [instanceHost, transportHost, 'unknown.example.com']) expect(await resolve(lab, host)).toBe('198.51.100.7');
  },
  'captive-portal': async (lab) => {
    const toPortal = /^HTTP\/1.1 302 Found\r\nLocation: http:\/\/portal.example.com\/login\r\n/;
    expect(await http(lab, instance, 80, `GET / HTTP/1.1\r\nHost: ${instanceHost}`)).toMatch(toPortal);
    expect(await http(lab, '192.168.71.1', 80, 'GET /login HTTP/1.1\r\nHost: portal.example.com')).toContain('200 OK');
    const said = await tls(lab, instanceHost);
    expect(said).toContain('issuer=CN = portal.example.com');
    expect(said).toContain('Location: http://portal.example.com/login');
    expect(await stun(lab, turn)).toBe('silent');
  },
  'tls-intercepted': async (lab) => {
    const said = await tls(lab, instanceHost);
    expect(said).toContain('issuer=O = Example Inspect, CN = Example Inspection CA');
    expect(said).toContain('Verify return code: 21');
    expect(said).toContain('200 OK');
    expect(lab.env.NODE_EXTRA_CA_CERTS).toBeUndefined();
    expect(await stun(lab, turn)).toBe('answered');
  },
  'tls-intercepted-trusted': async (lab) => {
    const script = `const s = require('tls').connect({ host: '${instance}', port: 443, servername: '${instanceHost}' }, () => {
      console.log(s.authorized, s.getPeerCertificate().issuer.CN); s.destroy(); });`;
    expect(await node(lab, script)).toBe('true Example Inspection CA');
  },
  expired: async (lab) => {
    expect(await tls(lab, instanceHost)).toContain('Verify return code: 10 (certificate has expired)');
    await isHealthyBesidesInstance(lab);
  },
  'wrong-host': async (lab) => {
    expect(await tls(lab, instanceHost)).toContain('Verify return code: 62 (hostname mismatch)');
    await isHealthyBesidesInstance(lab);
  },
  'self-signed': async (lab) => {
    expect(await tls(lab, instanceHost)).toContain('Verify return code: 18 (self-signed certificate)');
    await isHealthyBesidesInstance(lab);
  },
  'incomplete-chain': async (lab) => {
    expect(await tls(lab, instanceHost)).toContain('Verify return code: 21');
    await isHealthyBesidesInstance(lab);
  },
  'old-tls': async (lab) => {
    expect(await tls(lab, instanceHost, '-min_protocol', 'TLSv1.2')).toContain('alert protocol version');
    expect(await tls(lab, instanceHost, '-tls1_1', '-cipher', 'ALL@SECLEVEL=0')).toContain('Protocol  : TLSv1.1');
    await isHealthyBesidesInstance(lab);
  },
  'no-forward-secrecy': async (lab) => {
    const said = await tls(lab, instanceHost);
    expect(said).toContain('New, TLSv1.2, Cipher is AES256-GCM-SHA384');
    expect(said).toContain(trusted);
    expect(await tls(lab, instanceHost, '-cipher', 'ECDHE+AESGCM', '-tls1_2')).toContain('handshake failure');
    await isHealthyBesidesInstance(lab);
  },
  'websocket-stripped': async (lab) => {
    expect(await upgrade(lab)).toContain('HTTP/1.1 200 OK\r\nServer: nginx');
    expect(await tls(lab, transportHost)).toContain(trusted);
  },
  lossy: async (lab) => {
    expect(await train(lab, turn, 200, 160)).toBe('190');
    expect(await lab.counter('loss')).toBe(10);
    expect(await train(lab, turn, 40, 56)).toBe('40');
    expect(await lab.counter('loss')).toBe(10);
  },
  'proxy-only': async (lab) => {
    expect(await tls(lab, instanceHost)).toBe('silent');
    expect(await stun(lab, turn)).toBe('silent');
    expect(await tls(lab, instanceHost, '-proxy', '192.168.71.1:3128', '-connect', `${instanceHost}:443`)).toContain(trusted);
    expect(await http(lab, '192.168.71.1', 3128, 'CONNECT canary.example.com:443 HTTP/1.1\r\nHost: canary.example.com')).toContain(' 503 ');
  },
  'clock-skew': async (lab) => {
    const said = await tls(lab, instanceHost);
    expect(said).toContain(trusted);
    const aheadMs = Date.parse(/^Date: (.*)$/m.exec(said)?.[1] ?? '') - Date.now();
    expect(Math.abs(aheadMs - 600_000)).toBeLessThan(5_000);
  },
  'clock-skew-desk': async (lab) => {
    const aheadMs = Number(await node(lab, 'console.log(Date.now())')) - Date.now();
    expect(Math.abs(aheadMs - 400 * 24 * 60 * 60_000)).toBeLessThan(10_000);
    const waited = 'const t = performance.now(); setTimeout(() => console.log(performance.now() - t), 200)';
    const waitedMs = Number(await node(lab, waited));
    expect(waitedMs).toBeGreaterThan(150);
    expect(waitedMs).toBeLessThan(2_000);
    expect(await tls(lab, instanceHost)).toContain('certificate has expired');
  },
  'no-route': async (lab) => {
    expect(await http(lab, instance, 443, '')).toBe('ENETUNREACH');
    expect(await resolve(lab, instanceHost)).toBe(instance);
  },
  'desk-firewall': async (lab) => {
    const script = `require('dgram').createSocket('udp4').send('x', 3478, '${turn}', (e) => { console.log(e.code, e.syscall); process.exit(); });`;
    expect(await node(lab, script)).toBe('EPERM send');
    await isHealthyBesidesTurn(lab);
  },
  'binding-silent': async (lab) => {
    expect([await stun(lab, turn), await allocate(lab, turn)]).toEqual(['silent', 'refused']);
  },
  'stun-only': async (lab) => {
    for (const address of Object.values(turnHosts)) expect(await stun(lab, address)).toBe('answered');
    expect(await allocate(lab, turn)).toBe('silent');
  },
  tampered: async (lab) => {
    const binding = '000100002112a442000102030405060708090a0b';
    const script = `const s = require('dgram').createSocket('udp4').on('message', (m, from) => { console.log(from.address, from.port); s.close(); });
      s.send(Buffer.from('${binding}', 'hex'), 3478, '${turn}');`;
    expect(await node(lab, script)).toBe('15.193.7.50 3478');
  },
  'sni-reset': async (lab) => {
    expect(await tls(lab, instanceHost)).toContain('write:errno=104');
    expect(await tls(lab, instanceHost, '-servername', 'other.example.com')).toContain(trusted);
  },
  'canary-open': async (lab) => {
    expect(await tls(lab, instanceHost, '-connect', '198.51.100.7:443')).toContain('200 OK');
  },
  'turn-dns-blocked': async (lab) => {
    for (const host of Object.keys(turnHosts)) expect(await resolve(lab, host)).toBe('NXDOMAIN');
    await isHealthyBesidesTurn(lab);
  },
  'not-tls': async (lab) => {
    expect(await tls(lab, instanceHost)).toContain('wrong version number');
    await isHealthyBesidesInstance(lab);
  },
};

async function isUdpBlocked(lab: Lab): Promise<void> {
  expect([await stun(lab, turn), await allocate(lab, turn)]).toEqual(['silent', 'silent']);
  expect(await lab.counter('blocked')).toBeGreaterThan(0);
  await isHealthyBesidesTurn(lab);
}

const missing = missingOpinions();
const lacks = whyNoLab() ?? (missing.length > 0 ? describeMissing(missing) : null);

describe.concurrent('the scenarios are truly staged', { timeout: 30_000 }, () => {
  beforeEach(({ skip }) => skip(lacks !== null, lacks ?? ''));

  it('each has a staging here', ({ expect }) => {
    expect(Object.keys(stagings).sort()).toEqual([...scenarios.keys()].sort());
  });

  for (const [name, staged] of Object.entries(stagings)) {
    it(name, () => withLab(name, staged));
  }
});

import { describe, expect, it, test } from 'vitest';
import { catalog } from '../../../checks/catalog.ts';
import type { AnyCheck } from '../../../checks/check.ts';
import type { DaemonHost, UdpPlan } from '../../../checks/host.ts';
import type { EndpointObservation, NameAnswer, TlsFacts, UdpExchange } from '../../../checks/network/observations.ts';
import { tcpEndpoints, turnEndpoints } from '../../../checks/network/plan-hosts.ts';
import type { Plan } from '../../../checks/plan.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import { acmePlan } from '../../cases/acme-plan.ts';
import { fakeDaemonHost, type NetScript } from '../../fakes/fake-daemon-host.ts';

/** One report is meant to stay within this, and so must the evidence of any check. */
const EVIDENCE_BYTES = 16 * 1024;

interface Seen {
  evidence: Record<string, unknown>;
  outcome: Outcome;
}

async function run(id: string, host: DaemonHost, plan: Plan, params: object = {}): Promise<Seen> {
  const check = catalog.find((one) => one.id === id) as AnyCheck & { venue: 'daemon' };
  const observed = await check.observe(host as never, params, plan, new AbortController().signal);
  if (observed.seen !== true) {
    const outcome: Outcome =
      observed.seen === false
        ? { kind: 'unknown', cause: observed.cause, detail: observed.detail }
        : { kind: 'not-applicable', because: observed.because };
    return { evidence: {}, outcome };
  }
  const evidence = check.evidence.parse(observed.value) as Record<string, unknown>;
  return { evidence, outcome: check.judge(evidence, params, plan, host.vantage) };
}

const answer = (name: string, family: 4 | 6, addresses: string[], code: NameAnswer['resolver']['code'] = 'ok'): NameAnswer => ({
  name,
  family,
  addresses,
  resolver: { code: addresses.length > 0 ? 'ok' : code, addresses, total: addresses.length },
  system: null,
  servers: ['192.0.2.53'],
  tookMs: 5,
});

const tls = (overrides: Partial<TlsFacts> = {}): TlsFacts => ({
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  forwardSecrecy: true,
  chain: [],
  anchor: { kind: 'expected', name: 'Amazon Root CA 1', sha256: 'A'.repeat(64) },
  pathLength: 1,
  nameMatches: true,
  names: [],
  neededLegacy: false,
  ...overrides,
});

const blank: TlsFacts['chain'][number] = {
  subject: '',
  subjectOrg: '',
  issuer: '',
  issuerOrg: '',
  sha256: 'A'.repeat(64),
  notBeforeMs: 0,
  notAfterMs: Date.UTC(2100, 0, 1),
  selfSigned: false,
};

const observation = (host: string, overrides: Partial<EndpointObservation> = {}): EndpointObservation => ({
  host,
  port: 443,
  path: 'direct',
  address: '54.148.10.10',
  attempts: [],
  failure: null,
  handshakeMs: 1,
  httpMs: 1,
  tls: tls(),
  http: { status: 200, clockOffsetMs: 0, location: null },
  ...overrides,
});

/** Every endpoint of the plan seen alike, and nothing on port 80. */
function endpointScript(plan: Plan, of: (host: string) => Partial<EndpointObservation> = () => ({})): NetScript {
  const hosts = tcpEndpoints(plan).map((endpoint) => endpoint.host);
  const failure = { step: 'tcp', kind: 'refused', code: 'ECONNREFUSED' } as const;
  const script: NetScript = {};
  for (const host of hosts) {
    script[`endpoint ${host}:443`] = observation(host, of(host));
    script[`plain ${host}`] = { host, failure, http: null };
  }
  return script;
}

describe('a name with an IPv6 address alone', () => {
  const plan = acmePlan();
  const v6 = '2600:f0f2:7100::11';
  const net: NetScript = {};
  for (const { host } of [...tcpEndpoints(plan), ...turnEndpoints(plan)]) {
    net[`resolve ${host} 4`] = answer(host, 4, [], 'no-data');
    net[`resolve ${host} 6`] = answer(host, 6, [v6]);
  }

  it('resolves', async () => {
    expect((await run('network.dns', fakeDaemonHost({ net }), plan)).outcome).toEqual({ kind: 'pass' });
  });

  it('is where the quality of the audio path is measured', async () => {
    const { evidence } = await run(
      'network.media-quality',
      fakeDaemonHost({ net: { ...net, [`exchange ${v6}:3478`]: { events: [], dropped: 0 } } }),
      plan,
    );
    expect(evidence).toMatchObject({ address: v6 });
  });
});

test('the guest of a VDI resolves no TURN host, and needs none', async () => {
  const plan = acmePlan({ features: { vdi: true } });
  const net: NetScript = {};
  for (const { host } of tcpEndpoints(plan)) net[`resolve ${host} 4`] = answer(host, 4, ['54.148.10.10']);
  expect((await run('network.dns', fakeDaemonHost({ net, vantage: 'vdi-guest' }), plan)).outcome).toEqual({ kind: 'pass' });
});

describe('what looks like a sign-in page', () => {
  const plan = acmePlan();
  const http = { status: 302, clockOffsetMs: 0, location: 'https://idp.example.com/sso' };
  const judged = async (facts: Partial<TlsFacts>) =>
    (await run('network.captive-portal', fakeDaemonHost({ net: endpointScript(plan, () => ({ tls: tls(facts), http })) }), plan)).outcome;

  it("is the customer's own sign-in where AWS's public authority is a new one", async () => {
    expect(await judged({ anchor: { kind: 'public', name: 'Other Root', sha256: null } })).toEqual({ kind: 'pass' });
  });

  it('is handed on by an interceptor, which is no portal', async () => {
    expect(await judged({ anchor: { kind: 'local', name: 'Inspection CA', sha256: null } })).toMatchObject({ kind: 'unknown' });
  });

  it('is one under a certificate of another name', async () => {
    expect(await judged({ nameMatches: false })).toMatchObject({ kind: 'fail', args: { portal: 'idp.example.com' } });
  });
});

describe('what strangers say, however long and much', () => {
  const hosts = Array.from({ length: 16 }, (_, n) => `host${n}.transport.connect.us-west-2.amazonaws.com`);
  const more = Array.from({ length: 16 }, (_, n) => `host${n}.telemetry.connect.us-west-2.amazonaws.com`);
  const plan = acmePlan({ network: { hosts: { transport: hosts, telemetry: more } } });
  const long = 'x'.repeat(200);
  const certificate = { ...blank, subject: long, subjectOrg: long, issuer: long, issuerOrg: long };
  const hostile = tls({
    anchor: { kind: 'unknown', name: 'x'.repeat(200), sha256: 'A'.repeat(64) },
    nameMatches: false,
    names: Array.from({ length: 8 }, () => 'x'.repeat(253)),
    chain: [certificate],
  });
  const net = endpointScript(plan, () => ({ tls: hostile }));

  it.each([
    ['tls.interception', 'intercepted'],
    ['tls.handshake', 'wrong-host'],
  ])('leave room for the evidence of %s, which fails', async (id, reason) => {
    const { evidence, outcome } = await run(id, fakeDaemonHost({ net }), plan);
    expect(outcome).toMatchObject({ kind: 'fail', reason, args: { count: 38 } });
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThan(EVIDENCE_BYTES);
  });

  it('leave room for the evidence of network.dns, which fails', async () => {
    const script: NetScript = {};
    for (const { host } of [...tcpEndpoints(plan), ...turnEndpoints(plan)]) {
      script[`resolve ${host} 4`] = answer(host, 4, [], 'no-data');
      const foreign = Array.from({ length: 16 }, (_, n) => `2001:db8:1111:2222:3333:4444:5555:${(0x6660 + n).toString(16)}`);
      const system = { code: 'server-failed' as const, addresses: [] };
      script[`resolve ${host} 6`] = { ...answer(host, 6, foreign), system, servers: foreign.slice(0, 8), tookMs: 4_321 };
    }
    const { evidence, outcome } = await run('network.dns', fakeDaemonHost({ net: script }), plan);
    expect(outcome).toMatchObject({ kind: 'fail', reason: 'outside-published-ranges', args: { count: 41 } });
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThan(EVIDENCE_BYTES);
  });
});

test('an endpoint without a handshake was looked at, and is not told of', async () => {
  const plan = acmePlan();
  const failure = { step: 'tcp', kind: 'timed-out', code: 'timed-out' } as const;
  const net = endpointScript(plan, (host) => (host === 'acme.my.connect.aws' ? { failure, tls: null, http: null } : {}));
  for (const [id, field] of [
    ['tls.interception', 'unseen'],
    ['tls.handshake', 'unreached'],
  ] as const) {
    const { evidence, outcome } = await run(id, fakeDaemonHost({ net }), plan);
    expect(evidence[field]).toEqual(['acme.my.connect.aws:443']);
    expect(outcome).toEqual({ kind: 'pass' });
  }
});

test('a cross-signature above the expected root may have expired', async () => {
  const plan = acmePlan();
  const until = (year: number) => ({ ...blank, notAfterMs: Date.UTC(year, 0, 1) });
  const facts = tls({ pathLength: 2, chain: [until(2100), until(2099), until(2021)] });
  const { outcome } = await run('tls.handshake', fakeDaemonHost({ net: endpointScript(plan, () => ({ tls: facts })) }), plan);
  expect(outcome).toEqual({ kind: 'pass' });
});

test('a proxy that does not answer says nothing of a canary', async () => {
  const canary = { host: 'canary.example.com', port: 443 };
  const timedOut = { step: 'tcp', kind: 'timed-out', code: 'timed-out' } as const;
  const unasked = { step: 'proxy', kind: 'proxy-unreachable', code: 'ECONNREFUSED' } as const;
  const host = fakeDaemonHost({
    proxied: [canary.host],
    net: {
      'connect canary.example.com:443': { attempts: [], failure: timedOut },
      'endpoint canary.example.com:443': observation(canary.host, { path: 'proxy', failure: unasked, tls: null, http: null }),
    },
  });
  const { outcome } = await run('network.egress-canary', host, acmePlan(), { canaries: [canary] });
  expect(outcome).toMatchObject({ kind: 'unknown', detail: 'canary.example.com:443: proxy-unreachable' });
});

describe('a train of Bindings', () => {
  const plan = acmePlan();
  const host = 'TurnNlb-8d79b4466d82ad0e.elb.us-west-2.amazonaws.com';
  const judged = async (exchange: (sent: UdpPlan) => UdpExchange) => {
    const net: NetScript = { [`resolve ${host} 4`]: answer(host, 4, ['15.193.7.11']), 'exchange 15.193.7.11:3478': exchange };
    return (await run('network.media-quality', fakeDaemonHost({ net }), plan)).outcome;
  };
  const answered =
    (type: number) =>
    ({ address, port, datagrams }: UdpPlan): UdpExchange => ({
      dropped: 0,
      events: datagrams.flatMap(({ atMs, bytes }, index) => [
        { kind: 'sent', on: 'connected', index, atMs },
        {
          kind: 'received',
          on: 'connected',
          atMs: atMs + 20,
          from: { host: address, port },
          bytes: Uint8Array.from([type >> 8, type & 255, 0, 0, ...bytes.subarray(4, 20)]),
        },
      ]),
    });

  it('is measured by refusals too: they went there and back', async () => {
    expect(await judged(answered(0x0101))).toEqual({ kind: 'pass' });
    expect(await judged(answered(0x0111))).toEqual({ kind: 'pass' });
  });

  it('is not measured by our own requests reflected', async () => {
    expect(await judged(answered(0x0001))).toMatchObject({ kind: 'unknown', cause: 'inconclusive' });
  });

  it('in a flood may have lost nothing', async () => {
    const flooded = (sent: UdpPlan) => ({ events: answered(0x0101)(sent).events.slice(0, 20), dropped: 9_000 });
    expect(await judged(flooded)).toMatchObject({ kind: 'unknown', cause: 'inconclusive' });
  });
});

import { z } from 'zod';
import { defineCheck } from '../check.ts';
import type { EndpointObservation } from '../network/observations.ts';
import { endpointName, listHosts, notCollected, tcpEndpoints } from '../network/plan-hosts.ts';

/** Names of a foreign certificate are strangers' text: these, of the first endpoints that show one, say whose it is. */
const NAMES_KEPT = 4;
const LONGEST_NAME = 100;
const FOREIGN_KEPT = 8;

const DAY_MS = 24 * 60 * 60_000;

const Failure = z.enum(['timed-out', 'reset', 'closed', 'not-tls', 'protocol-version', 'handshake-refused', 'malformed', 'other']);

const Endpoint = z.strictObject({
  host: z.string(),
  port: z.number(),
  failure: Failure.nullable().describe('Why the handshake did not complete'),
  code: z.string().nullable(),
  protocol: z.string().nullable(),
  cipher: z.string().nullable(),
  forwardSecrecy: z.boolean().nullable(),
  nameMatches: z.boolean().nullable(),
  names: z
    .array(z.string())
    .describe('First names the certificate is valid for, when the host is not among them; only of the first such endpoints'),
  anchor: z.enum(['expected', 'public', 'local', 'self-signed-leaf', 'incomplete', 'unknown']).nullable(),
  notBefore: z.string().nullable().describe('Latest start of validity on the way from the certificate to its root'),
  notAfter: z.string().nullable().describe('Earliest end of validity on that way'),
});
type Endpoint = z.infer<typeof Endpoint>;

type Fault =
  | 'not-tls'
  | 'old-protocol'
  | 'no-forward-secrecy'
  | 'self-signed'
  | 'incomplete-chain'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-host'
  | 'reset'
  | 'closed'
  | 'timed-out'
  | 'handshake-refused'
  | 'malformed';

const ofFailure: Record<z.infer<typeof Failure>, Fault> = {
  'timed-out': 'timed-out',
  reset: 'reset',
  closed: 'closed',
  'not-tls': 'not-tls',
  'protocol-version': 'old-protocol',
  'handshake-refused': 'handshake-refused',
  malformed: 'malformed',
  other: 'malformed',
};

export default defineCheck({
  id: 'tls.handshake',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'shared',
  area: 'encryption-in-transit',
  controls: ['pci-dss-4.0.1:4.2.1'],
  timeoutMs: 20_000,
  needs: ['network.allowlist-domains', 'tls.interception', 'tls.clock-skew'],
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({
    minDaysLeft: z.number().nonnegative().default(3).describe('Fewer days of validity left are degraded; our number'),
  }),
  evidence: z.strictObject({
    deskAt: z.string().describe("This desk's clock when it looked").meta({ class: 'public' }),
    endpoints: z.array(Endpoint).describe('Every endpoint of the plan that accepted a connection').meta({ class: 'internal' }),
    unreached: z.array(z.string()).describe('Endpoints of the plan that did not').meta({ class: 'internal' }),
  }),
  reasons: [
    'expired',
    'not-yet-valid',
    'wrong-host',
    'self-signed',
    'incomplete-chain',
    'old-protocol',
    'no-forward-secrecy',
    'not-tls',
    'reset',
    'closed',
    'timed-out',
    'handshake-refused',
    'malformed',
    'expires-soon',
  ],

  async probe(host, { plan }) {
    const seen = await Promise.all(tcpEndpoints(plan).map(({ host: name, port }) => host.net.endpoint({ host: name, port })));
    const isReached = ({ failure }: EndpointObservation) => failure === null || failure.step === 'tls' || failure.step === 'http';
    let foreign = 0;
    const endpoints = seen
      .filter(isReached)
      .map(reduce)
      .map((endpoint) => (endpoint.names.length > 0 && foreign++ >= FOREIGN_KEPT ? { ...endpoint, names: [] } : endpoint));
    const unreached = seen.filter((observation) => !isReached(observation)).map(endpointName);
    return { seen: true, value: { deskAt: new Date(host.clock.wallMs()).toISOString(), endpoints, unreached } };
  },

  evaluate({ deskAt, endpoints: all, unreached }, { params, plan }) {
    const wanted = tcpEndpoints(plan).map(endpointName);
    const endpoints = all.filter((endpoint) => wanted.includes(endpointName(endpoint)));
    const now = Date.parse(deskAt);
    const faults = endpoints.flatMap((endpoint) => {
      const fault = faultOf(endpoint, now);
      return fault ? [{ endpoint, fault }] : [];
    });
    const first = faults[0];
    if (first) {
      const same = faults.filter(({ fault }) => fault === first.fault).map(({ endpoint }) => endpoint);
      return { kind: 'fail', reason: first.fault, args: { ...argsOf(same), of: endpoints.length } };
    }
    const missing = notCollected(wanted, [...all.map(endpointName), ...unreached]);
    if (missing) return missing;
    if (endpoints.length === 0) return { kind: 'unknown', cause: 'inconclusive', detail: 'no endpoint accepted a connection' };
    const soon = endpoints.filter((e) => e.notAfter !== null && Date.parse(e.notAfter) - now < params.minDaysLeft * DAY_MS);
    return soon.length > 0
      ? { kind: 'degraded', reason: 'expires-soon', args: { ...argsOf(soon), of: endpoints.length } }
      : { kind: 'pass' };
  },
});

/**
 * One fault per endpoint, what explains most first. Trust in a foreign authority is not judged here: `tls.interception`
 * does, since only it can tell an interceptor from a mistake.
 */
function faultOf(endpoint: Endpoint, now: number): Fault | null {
  if (endpoint.failure) return ofFailure[endpoint.failure];
  if (endpoint.protocol !== 'TLSv1.2' && endpoint.protocol !== 'TLSv1.3') return 'old-protocol';
  if (endpoint.forwardSecrecy === false) return 'no-forward-secrecy';
  if (endpoint.anchor === 'self-signed-leaf') return 'self-signed';
  if (endpoint.anchor === 'incomplete') return 'incomplete-chain';
  if (endpoint.notAfter !== null && now > Date.parse(endpoint.notAfter)) return 'expired';
  if (endpoint.notBefore !== null && now < Date.parse(endpoint.notBefore)) return 'not-yet-valid';
  return endpoint.nameMatches === false ? 'wrong-host' : null;
}

function argsOf(endpoints: readonly Endpoint[]) {
  const first = endpoints[0];
  return {
    hosts: listHosts(endpoints.map((e) => e.host)),
    count: endpoints.length,
    code: first?.code ?? '',
    protocol: first?.protocol ?? '',
    cipher: first?.cipher ?? '',
    names: listHosts(first?.names ?? []),
    notBefore: first?.notBefore?.slice(0, 10) ?? '',
    notAfter: first?.notAfter?.slice(0, 10) ?? '',
  };
}

function reduce({ host, port, failure, tls }: EndpointObservation): Endpoint {
  const kind = Failure.safeParse(failure?.kind);
  // Roots are trusted for what they are, not for their dates.
  const dated = tls?.chain.slice(0, tls.pathLength).filter((certificate) => !certificate.selfSigned || tls.chain.length === 1) ?? [];
  return {
    host,
    port,
    failure: tls || !failure ? null : kind.success ? kind.data : 'other',
    code: tls ? null : (failure?.code ?? null),
    protocol: tls?.protocol ?? null,
    cipher: tls?.cipher ?? null,
    forwardSecrecy: tls?.forwardSecrecy ?? null,
    nameMatches: tls?.nameMatches ?? null,
    names: tls && !tls.nameMatches ? tls.names.slice(0, NAMES_KEPT).map((name) => name.slice(0, LONGEST_NAME)) : [],
    anchor: tls?.anchor.kind ?? null,
    notBefore: dated.length > 0 ? new Date(Math.max(...dated.map((c) => c.notBeforeMs))).toISOString() : null,
    notAfter: dated.length > 0 ? new Date(Math.min(...dated.map((c) => c.notAfterMs))).toISOString() : null,
  };
}

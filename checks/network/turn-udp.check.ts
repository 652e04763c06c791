import { z } from 'zod';
import { defineCheck, type Judgement } from '../check.ts';
import type { Net } from '../host.ts';
import type { Endpoint } from './endpoints.ts';
import { listHosts, mostFrequent, notCollected, resolveHost, turnEndpoints } from './plan-hosts.ts';
import { planTurnExchange, readTurnExchange } from './turn-exchange.ts';

/** A TURN load balancer has one address per availability zone; more than this many are not looked at. */
const ADDRESSES_PROBED = 3;

const Target = z.strictObject({
  host: z.string(),
  address: z.string().nullable().describe('Null when the name has no address'),
  nameCode: z.string().nullable().describe('How the name failed'),
  allocate: z.number().nullable().describe('Error code of the answer to an Allocate without credentials; 0 for a success, null for none'),
  binding: z.boolean().describe('A valid answer to a Binding'),
  rttMs: z.number().nullable(),
  icmp: z.string().nullable().describe('ICMP error from the path'),
  local: z.strictObject({ kind: z.enum(['blocked-on-desk', 'no-route', 'other']), code: z.string() }).nullable(),
  strange: z.enum(['wrong-source', 'wrong-cookie', 'wrong-transaction', 'malformed']).nullable(),
  rewritten: z.boolean().describe('Two statements of our own address in one answer differ: a middlebox rewrites payloads'),
  answeredBefore: z.boolean().describe('This host has answered this desk in an earlier run'),
});
type Target = z.infer<typeof Target>;

type State = 'answers' | 'stun-only' | 'dns-blocked' | 'blocked-on-desk' | 'no-route' | 'rejected' | 'tampered' | 'unsent' | 'silent';

type Reason =
  | 'udp-blocked'
  | 'rejected'
  | 'tampered'
  | 'no-route'
  | 'blocked-on-desk'
  | 'dns-blocked'
  | 'no-turn'
  | 'host-silent'
  | 'host-rejected';

export default defineCheck({
  id: 'network.turn-udp',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: [],
  timeoutMs: 15_000,
  needs: ['network.dns', 'network.captive-portal'],
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'warn' } },
  params: z.strictObject({}),
  evidence: z.strictObject({
    targets: z.array(Target).describe('One entry per probed address of each TURN host').meta({ class: 'internal' }),
  }),
  reasons: ['udp-blocked', 'rejected', 'tampered', 'no-route', 'blocked-on-desk', 'dns-blocked', 'no-turn', 'host-silent', 'host-rejected'],
  notApplicable({ plan }, vantage) {
    if (!plan.features.voice) return 'feature-absent';
    if (vantage === 'vdi-guest' && plan.features.vdi) return 'media-redirected';
    return turnEndpoints(plan).length > 0 ? null : 'no-documented-host';
  },

  async probe(host, { plan }) {
    const targets = await Promise.all(
      turnEndpoints(plan).map((endpoint) => probeHost(host.net, endpoint, host.memory.turnAnswered(endpoint.host))),
    );
    return { seen: true, value: { targets: targets.flat() } };
  },

  evaluate({ targets }, { plan }) {
    const hosts = turnEndpoints(plan).map((endpoint) => judgeHost(endpoint, targets));
    const missing = notCollected(
      hosts.map((h) => h.host),
      targets.map((target) => target.host),
    );
    if (missing) return missing;
    const good = hosts.filter((h) => h.state === 'answers');
    // A reported host is not documented by AWS: its silence or absence proves nothing unless it is known to answer, and its
    // refusal only that a rule lacks it.
    const counted = hosts.filter(
      (h) => h.official || h.knownToAnswer || h.state === 'answers' || (good.length > 0 && h.state === 'rejected'),
    );
    const bad = counted.filter((h) => h.state !== 'answers');
    if (good.length > 0) {
      if (bad.length === 0) return deadAddresses(good);
      const rejected = bad.filter((h) => h.state === 'rejected' || h.state === 'blocked-on-desk');
      const named = rejected.length > 0 ? rejected : bad;
      return { kind: 'degraded', reason: rejected.length > 0 ? 'host-rejected' : 'host-silent', args: argsOf(named, counted.length) };
    }
    return noneAnswers(bad, counted.length);
  },
});

interface JudgedHost {
  host: string;
  official: boolean;
  /** By the policy, by the allowlist, or by this desk's own memory. */
  knownToAnswer: boolean;
  state: State;
  targets: Target[];
}

function judgeHost(endpoint: Endpoint & { turn: NonNullable<Endpoint['turn']> }, all: readonly Target[]): JudgedHost {
  const targets = all.filter((target) => target.host === endpoint.host);
  const states = targets.map(stateOf);
  return {
    host: endpoint.host,
    official: endpoint.turn.standing === 'official',
    knownToAnswer: endpoint.turn.answersExpected || targets.some((target) => target.answeredBefore),
    state: precedence.find((state) => states.includes(state)) ?? 'silent',
    targets,
  };
}

/** The best of a host's addresses speaks for it; then what explains most. */
const precedence: readonly State[] = [
  'answers',
  'stun-only',
  'blocked-on-desk',
  'no-route',
  'rejected',
  'tampered',
  'dns-blocked',
  'unsent',
  'silent',
];

function stateOf(target: Target): State {
  if (target.allocate !== null) return 'answers';
  if (target.binding) return 'stun-only';
  if (target.address === null) return 'dns-blocked';
  if (target.local && target.local.kind !== 'other') return target.local.kind;
  if (target.icmp) return 'rejected';
  if (target.strange) return 'tampered';
  return target.local ? 'unsent' : 'silent';
}

function noneAnswers(bad: readonly JudgedHost[], of: number): Judgement<Reason> {
  const states = bad.map((h) => h.state);
  const first = (['blocked-on-desk', 'rejected', 'tampered'] as const).find((state) => states.includes(state));
  if (first) return { kind: 'fail', reason: first, args: argsOf(bad, of) };
  const shared = mostFrequent(states);
  if (shared === 'no-route' || shared === 'dns-blocked') return { kind: 'fail', reason: shared, args: argsOf(bad, of) };
  const known = bad.filter((h) => h.knownToAnswer);
  const silent = known.filter((h) => h.state === 'silent');
  if (silent.length > 0) return { kind: 'fail', reason: 'udp-blocked', args: argsOf(silent, of) };
  if (known.some((h) => h.state === 'stun-only')) return { kind: 'fail', reason: 'no-turn', args: argsOf(known, of) };
  const stunOnly = bad.find((h) => h.state === 'stun-only');
  const unsent = bad.flatMap((h) => h.targets).find((target) => stateOf(target) === 'unsent');
  const detail = stunOnly
    ? `${stunOnly.host} answers STUN, but no TURN was seen; it is not known to answer without credentials`
    : unsent
      ? `this desk could not send to ${unsent.host}: ${unsent.local?.code ?? ''}`
      : `no answer from ${listHosts(bad.map((h) => h.host))}; none is known to answer without credentials`;
  return { kind: 'unknown', cause: 'inconclusive', detail };
}

/** A host counts as reached by any of its addresses; one that does not answer beside it is named. */
function deadAddresses(good: readonly JudgedHost[]): Judgement<Reason> {
  const dead = good.filter((h) => h.targets.some((target) => stateOf(target) !== 'answers'));
  return dead.length === 0 ? { kind: 'pass' } : { kind: 'degraded', reason: 'host-silent', args: argsOf(dead, good.length) };
}

function argsOf(hosts: readonly JudgedHost[], of: number) {
  const codes = hosts.flatMap((h) =>
    h.targets.map((target) => target.local?.code ?? target.icmp ?? target.strange ?? target.nameCode ?? ''),
  );
  return { hosts: listHosts(hosts.map((h) => h.host)), count: hosts.length, of, code: codes.find((code) => code !== '') ?? '' };
}

async function probeHost(net: Net, endpoint: Endpoint, answeredBefore: boolean): Promise<Target[]> {
  const answer = await resolveHost(net, endpoint.host);
  const nothing = { allocate: null, binding: false, rttMs: null, icmp: null, local: null, strange: null, rewritten: false };
  if (answer.addresses.length === 0) {
    return [{ host: endpoint.host, address: null, nameCode: answer.resolver.code, ...nothing, answeredBefore }];
  }
  return Promise.all(
    answer.addresses.slice(0, ADDRESSES_PROBED).map(async (address) => {
      const plan = planTurnExchange(endpoint.host, address, endpoint.port, (length) => net.random(length));
      const seen = readTurnExchange(plan, await net.exchange(plan));
      const rttMs = seen.rttMs === null ? null : Math.round(seen.rttMs * 10) / 10;
      return { host: endpoint.host, address, nameCode: null, ...seen, rttMs, answeredBefore };
    }),
  );
}

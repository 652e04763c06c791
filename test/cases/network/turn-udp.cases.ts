import check from '../../../checks/network/turn-udp.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const [a, b, c] = ['8d79b4466d82ad0e', 'dbc4ebb71307fda2', '13c884fe3673ed9f'].map((id) => `TurnNlb-${id}.elb.us-west-2.amazonaws.com`) as [
  string,
  string,
  string,
];
const reported = ['6bb66ee54ee32710', 'ecc67f8fbd7a29f6'].map((id) => `TurnNlb-${id}.elb.us-west-2.amazonaws.com`) as [string, string];
const all = [a, b, c].join(', ');

const good = { allocate: 401, binding: true, rttMs: 31.5 };
const rejected = { icmp: 'ECONNREFUSED' };
const noName = { address: null, nameCode: 'not-found' };
const target = (host: string, overrides: object = {}) => ({
  host,
  address: '15.193.7.11',
  nameCode: null,
  allocate: null,
  binding: false,
  rttMs: null,
  icmp: null,
  local: null,
  strange: null,
  rewritten: false,
  answeredBefore: false,
  ...overrides,
});
/** What the three official hosts did; the reported ones have no address. */
const seen = (one: object, two = one, three = one, reportedHosts: object = noName) => ({
  targets: [target(a, one), target(b, two), target(c, three), ...reported.map((host) => target(host, reportedHosts))],
});
const expected = acmePlan({ network: { turnAnswers: 'expected' } });

export default defineCases(check, [
  { name: 'every host asks for credentials', evidence: seen(good), outcome: { kind: 'pass' } },
  { name: 'TURN answers though Binding is ignored', evidence: seen({ ...good, binding: false }), outcome: { kind: 'pass' } },
  { name: 'any TURN error proves the path', evidence: seen({ ...good, allocate: 438 }), outcome: { kind: 'pass' } },
  {
    name: 'silence of hosts that are known to answer',
    evidence: seen({}),
    plan: expected,
    outcome: { kind: 'fail', reason: 'udp-blocked', args: { hosts: all, count: 3, of: 3, code: '' } },
  },
  {
    name: 'silence of hosts that nobody has seen answer proves nothing',
    evidence: seen({}),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `no answer from ${all}; none is known to answer without credentials` },
  },
  {
    name: 'silence of a host that has answered this desk before',
    evidence: seen({ answeredBefore: true }, {}, {}),
    outcome: { kind: 'fail', reason: 'udp-blocked', args: { hosts: a, count: 1, of: 3, code: '' } },
  },
  {
    name: 'one host of three is silent',
    evidence: seen(good, {}, good),
    plan: expected,
    outcome: { kind: 'degraded', reason: 'host-silent', args: { hosts: b, count: 1, of: 3, code: '' } },
  },
  {
    name: 'one host of three is rejected',
    evidence: seen(good, rejected, good),
    outcome: { kind: 'degraded', reason: 'host-rejected', args: { hosts: b, count: 1, of: 3, code: 'ECONNREFUSED' } },
  },
  {
    name: 'ICMP rejects all',
    evidence: seen({ icmp: 'EHOSTUNREACH' }),
    outcome: { kind: 'fail', reason: 'rejected', args: { hosts: all, count: 3, of: 3, code: 'EHOSTUNREACH' } },
  },
  {
    name: "this desk's own firewall",
    evidence: seen({ local: { kind: 'blocked-on-desk', code: 'EPERM' } }),
    outcome: { kind: 'fail', reason: 'blocked-on-desk', args: { hosts: all, count: 3, of: 3, code: 'EPERM' } },
  },
  {
    name: 'no route',
    evidence: seen({ local: { kind: 'no-route', code: 'ENETUNREACH' } }),
    outcome: { kind: 'fail', reason: 'no-route', args: { hosts: all, count: 3, of: 3, code: 'ENETUNREACH' } },
  },
  {
    name: 'names without an address',
    evidence: seen(noName),
    outcome: { kind: 'fail', reason: 'dns-blocked', args: { hosts: all, count: 3, of: 3, code: 'not-found' } },
  },
  {
    name: 'answers from another address',
    evidence: seen({ strange: 'wrong-source' }),
    outcome: { kind: 'fail', reason: 'tampered', args: { hosts: all, count: 3, of: 3, code: 'wrong-source' } },
  },
  {
    name: 'a genuine answer stands beside a strange one and an ICMP error',
    evidence: seen({ ...good, strange: 'wrong-source', icmp: 'ECONNREFUSED' }),
    outcome: { kind: 'pass' },
  },
  {
    name: 'a STUN echo where TURN is expected',
    evidence: seen({ binding: true, rttMs: 3 }),
    plan: expected,
    outcome: { kind: 'fail', reason: 'no-turn', args: { hosts: all, count: 3, of: 3, code: '' } },
  },
  {
    name: 'a STUN echo where nobody knows whether TURN answers',
    evidence: seen({ binding: true, rttMs: 3 }),
    outcome: {
      kind: 'unknown',
      cause: 'inconclusive',
      detail: `${a} answers STUN, but no TURN was seen; it is not known to answer without credentials`,
    },
  },
  {
    name: 'a reported host that is silent proves nothing',
    evidence: seen(good, good, good, {}),
    plan: expected,
    outcome: { kind: 'pass' },
  },
  {
    name: 'a reported host that is rejected is a hole in the rule',
    evidence: seen(good, good, good, rejected),
    outcome: { kind: 'degraded', reason: 'host-rejected', args: { hosts: reported.join(', '), count: 2, of: 5, code: 'ECONNREFUSED' } },
  },
  {
    name: 'a reported host that is rejected says nothing of the official ones',
    evidence: seen({}, {}, {}, rejected),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `no answer from ${all}; none is known to answer without credentials` },
  },
  {
    name: 'this desk could not send at all, which is no silence',
    evidence: seen({ local: { kind: 'other', code: 'EMFILE' } }),
    plan: expected,
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `this desk could not send to ${a}: EMFILE` },
  },
  {
    name: 'answers of one address of a host are tampered with',
    evidence: { targets: [...seen(good).targets, target(a, { address: '15.193.7.99', strange: 'wrong-source' })] },
    outcome: { kind: 'degraded', reason: 'host-silent', args: { hosts: a, count: 1, of: 3, code: 'wrong-source' } },
  },
  {
    name: 'one address of a host is dead',
    evidence: { targets: [...seen(good).targets, target(a, { address: '15.193.7.99' })] },
    outcome: { kind: 'degraded', reason: 'host-silent', args: { hosts: a, count: 1, of: 3, code: '' } },
  },
  {
    name: 'a host of the plan was not looked at',
    evidence: { targets: seen(good).targets.filter((t) => t.host !== c) },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${c}` },
  },
  {
    name: 'a chat-only desk needs no audio path',
    evidence: seen({}),
    plan: acmePlan({ features: { voice: false } }),
    outcome: { kind: 'not-applicable', because: 'feature-absent' },
  },
  {
    name: 'in a VDI guest the audio leaves from another device',
    evidence: seen({}),
    plan: acmePlan({ features: { vdi: true }, network: { turnAnswers: 'expected' } }),
    vantage: 'vdi-guest',
    outcome: { kind: 'not-applicable', because: 'media-redirected' },
  },
]);

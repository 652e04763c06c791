import check from '../../../checks/network/allowlist-domains.check.ts';
import { tcpEndpoints } from '../../../checks/network/plan-hosts.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const participant = 'participant.connect.us-west-2.amazonaws.com';

/** Every endpoint of the plan reached, but for what is said of some hosts. */
const seen = (of: Record<string, object> = {}) => ({
  endpoints: tcpEndpoints(acmePlan()).map(({ host, port }) => ({
    host,
    port,
    path: 'direct',
    connectMs: 31,
    failure: null,
    code: null,
    dead: [],
    ...of[host],
  })),
});
const blocked = (failure: string, code: string) => seen({ [participant]: { failure, code, connectMs: null } });
const one = { hosts: `${participant}:443`, count: 1, of: 6 };

export default defineCases(check, [
  { name: 'every endpoint accepts', evidence: seen(), outcome: { kind: 'pass' } },
  { name: 'one host is dropped', evidence: blocked('timed-out', 'ETIMEDOUT'), outcome: { kind: 'fail', reason: 'blocked', args: one } },
  { name: 'one host is rejected', evidence: blocked('refused', 'ECONNREFUSED'), outcome: { kind: 'fail', reason: 'refused', args: one } },
  {
    name: 'one host is rejected by ICMP',
    evidence: blocked('unreachable', 'EHOSTUNREACH'),
    outcome: { kind: 'fail', reason: 'refused', args: one },
  },
  { name: 'no route', evidence: blocked('no-route', 'ENETUNREACH'), outcome: { kind: 'fail', reason: 'no-route', args: one } },
  {
    name: "this desk's own firewall",
    evidence: blocked('blocked-on-desk', 'EACCES'),
    outcome: { kind: 'fail', reason: 'blocked-on-desk', args: one },
  },
  {
    name: 'the proxy is gone',
    evidence: blocked('proxy-unreachable', 'ECONNREFUSED'),
    outcome: { kind: 'fail', reason: 'proxy-unreachable', args: one },
  },
  { name: 'the proxy says no', evidence: blocked('proxy-refused', '403'), outcome: { kind: 'fail', reason: 'proxy-refused', args: one } },
  {
    name: 'no address',
    evidence: blocked('name-unresolved', 'not-found'),
    outcome: { kind: 'fail', reason: 'name-unresolved', args: one },
  },
  {
    name: 'an error that nobody knows says nothing of the path',
    evidence: blocked('other', 'EMFILE'),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `${participant}:443: EMFILE` },
  },
  {
    name: 'of several failures the most frequent one is named',
    evidence: seen({
      [participant]: { failure: 'refused', code: 'ECONNREFUSED' },
      'us-west-2.signin.aws.amazon.com': { failure: 'timed-out', code: 'ETIMEDOUT' },
      'us-west-2.console.aws.amazon.com': { failure: 'timed-out', code: 'ETIMEDOUT' },
    }),
    outcome: {
      kind: 'fail',
      reason: 'blocked',
      args: { hosts: `${participant}:443, us-west-2.signin.aws.amazon.com:443, us-west-2.console.aws.amazon.com:443`, count: 3, of: 6 },
    },
  },
  {
    name: 'one address of a host is dead',
    evidence: seen({ 'acme.my.connect.aws': { dead: ['54.148.10.99'] } }),
    outcome: {
      kind: 'degraded',
      reason: 'some-addresses-blocked',
      args: { hosts: 'acme.my.connect.aws:443', count: 1, of: 6, addresses: '54.148.10.99' },
    },
  },
  {
    name: 'evidence of an older, shorter plan',
    evidence: { endpoints: seen().endpoints.filter((e) => e.host !== participant) },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${participant}:443` },
  },
  {
    name: 'a host that the plan no longer names is left out',
    evidence: { endpoints: [...seen().endpoints, { ...seen().endpoints[0], host: 'old.example.com', failure: 'timed-out' }] },
    outcome: { kind: 'pass' },
  },
]);

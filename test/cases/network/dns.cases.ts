import check from '../../../checks/network/dns.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const name = (host: string, overrides: object = {}) => ({
  name: host,
  code: 'ok',
  system: 'ok',
  addresses: ['54.148.10.10'],
  outside: [],
  tookMs: 12,
  ...overrides,
});
const silent = { code: 'timed-out', system: 'timed-out', addresses: [] };
const seen = (...names: object[]) => ({ proxied: false, servers: ['192.0.2.53'], names });

export default defineCases(check, [
  {
    name: 'every name has an address of AWS',
    evidence: seen(name('acme.my.connect.aws'), name('participant.connect.us-west-2.amazonaws.com')),
    outcome: { kind: 'pass' },
  },
  {
    name: 'no server answers anything',
    evidence: seen(name('acme.my.connect.aws', silent), name('participant.connect.us-west-2.amazonaws.com', silent)),
    outcome: {
      kind: 'fail',
      reason: 'no-answer',
      args: { hosts: 'acme.my.connect.aws, participant.connect.us-west-2.amazonaws.com', count: 2, of: 2, servers: '192.0.2.53' },
    },
  },
  {
    name: 'one name is dropped by the resolver',
    evidence: seen(name('acme.my.connect.aws'), name('participant.connect.us-west-2.amazonaws.com', silent)),
    outcome: {
      kind: 'fail',
      reason: 'no-answer',
      args: { hosts: 'participant.connect.us-west-2.amazonaws.com', count: 1, of: 2, servers: '192.0.2.53' },
    },
  },
  {
    name: 'the resolvers are silent but the operating system knows the name: browsers will too',
    evidence: seen(name('acme.my.connect.aws', { code: 'timed-out' })),
    outcome: { kind: 'pass' },
  },
  {
    name: 'a filter says that a name does not exist',
    evidence: seen(
      name('acme.my.connect.aws'),
      name('d38fzyjx9jg8fj.cloudfront.net', { code: 'not-found', system: 'not-found', addresses: [] }),
    ),
    outcome: { kind: 'fail', reason: 'not-found', args: { hosts: 'd38fzyjx9jg8fj.cloudfront.net', count: 1, of: 2 } },
  },
  {
    name: 'a CNAME loop is no address either',
    evidence: seen(
      name('acme.my.connect.aws', { code: 'malformed', system: null, addresses: [] }),
      name('participant.connect.us-west-2.amazonaws.com'),
    ),
    outcome: { kind: 'fail', reason: 'not-found', args: { hosts: 'acme.my.connect.aws', count: 1, of: 2 } },
  },
  {
    name: 'a foreign address',
    evidence: seen(name('acme.my.connect.aws', { addresses: ['198.51.100.7'], outside: ['198.51.100.7'] })),
    outcome: {
      kind: 'fail',
      reason: 'outside-published-ranges',
      args: { hosts: 'acme.my.connect.aws', count: 1, of: 1, addresses: '198.51.100.7' },
    },
  },
  {
    name: 'a private address, as a DNS filter or a split horizon gives it',
    evidence: seen(name('acme.my.connect.aws', { addresses: ['10.0.0.9'], outside: ['10.0.0.9'] })),
    outcome: {
      kind: 'fail',
      reason: 'outside-published-ranges',
      args: { hosts: 'acme.my.connect.aws', count: 1, of: 1, addresses: '10.0.0.9' },
    },
  },
  {
    name: "a reflector of the customer's own may stand anywhere",
    evidence: seen(name('turn.example.com', { addresses: ['198.51.100.9'], outside: ['198.51.100.9'] })),
    plan: acmePlan({ network: { hosts: { turn: ['turn.example.com'] } } }),
    outcome: { kind: 'pass' },
  },
  {
    name: 'slow answers',
    evidence: seen(name('acme.my.connect.aws', { tookMs: 1_400 })),
    outcome: { kind: 'degraded', reason: 'slow', args: { hosts: 'acme.my.connect.aws', count: 1, of: 1, ms: 1_400 } },
  },
  {
    name: 'a proxy resolves the names',
    evidence: { proxied: true, servers: [], names: [] },
    outcome: { kind: 'not-applicable', because: 'proxied' },
  },
  {
    name: 'nothing was asked',
    evidence: seen(),
    outcome: { kind: 'unknown', cause: 'not-collected', detail: 'no name of the endpoint plan was asked' },
  },
]);

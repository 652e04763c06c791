import check from '../../../checks/network/dns.check.ts';
import { tcpEndpoints } from '../../../checks/network/plan-hosts.ts';
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
const acme = 'acme.my.connect.aws';
const participant = 'participant.connect.us-west-2.amazonaws.com';
const cdn = 'd38fzyjx9jg8fj.cloudfront.net';
const hosts = tcpEndpoints(acmePlan()).map((endpoint) => endpoint.host);
/** Every name of the plan answered, but for what is said of some. */
const seen = (of: Record<string, object> = {}) => ({
  proxied: [],
  servers: ['192.0.2.53'],
  names: hosts.map((host) => name(host, of[host])),
});
const env = acmePlan({ network: { proxy: 'env' } });

export default defineCases(check, [
  { name: 'every name has an address of AWS', evidence: seen(), outcome: { kind: 'pass' } },
  {
    name: 'no server answers anything',
    evidence: seen(Object.fromEntries(hosts.map((host) => [host, silent]))),
    outcome: { kind: 'fail', reason: 'no-answer', args: { hosts: hosts.join(', '), count: 6, of: 6, servers: '192.0.2.53' } },
  },
  {
    name: 'one name is dropped by the resolver',
    evidence: seen({ [participant]: silent }),
    outcome: { kind: 'fail', reason: 'no-answer', args: { hosts: participant, count: 1, of: 6, servers: '192.0.2.53' } },
  },
  {
    name: 'the resolvers are silent but the operating system knows the name: browsers will too',
    evidence: seen({ [acme]: { code: 'timed-out' } }),
    outcome: { kind: 'pass' },
  },
  {
    name: 'a filter says that a name does not exist',
    evidence: seen({ [cdn]: { code: 'not-found', system: 'not-found', addresses: [] } }),
    outcome: { kind: 'fail', reason: 'not-found', args: { hosts: cdn, count: 1, of: 6 } },
  },
  {
    name: 'a CNAME loop is no address either',
    evidence: seen({ [acme]: { code: 'malformed', system: null, addresses: [] } }),
    outcome: { kind: 'fail', reason: 'not-found', args: { hosts: acme, count: 1, of: 6 } },
  },
  {
    name: 'a foreign address',
    evidence: seen({ [acme]: { addresses: ['198.51.100.7'], outside: ['198.51.100.7'] } }),
    outcome: { kind: 'fail', reason: 'outside-published-ranges', args: { hosts: acme, count: 1, of: 6, addresses: '198.51.100.7' } },
  },
  {
    name: 'a private address, as a DNS filter or a split horizon gives it',
    evidence: seen({ [acme]: { addresses: ['10.0.0.9'], outside: ['10.0.0.9'] } }),
    outcome: { kind: 'fail', reason: 'outside-published-ranges', args: { hosts: acme, count: 1, of: 6, addresses: '10.0.0.9' } },
  },
  {
    name: "a reflector of the customer's own may stand anywhere",
    evidence: { ...seen(), names: [...seen().names, name('turn.example.com', { addresses: ['198.51.100.9'], outside: ['198.51.100.9'] })] },
    plan: acmePlan({ network: { hosts: { turn: ['turn.example.com'] } } }),
    outcome: { kind: 'pass' },
  },
  {
    name: "a legacy instance's host that the policy names is AWS's all the same",
    evidence: {
      ...seen(),
      names: [...seen().names, name('acme.awsapps.com', { addresses: ['198.51.100.9'], outside: ['198.51.100.9'] })],
    },
    plan: acmePlan({ network: { hosts: { 'instance-web-legacy': ['acme.awsapps.com'] } } }),
    outcome: {
      kind: 'fail',
      reason: 'outside-published-ranges',
      args: { hosts: 'acme.awsapps.com', count: 1, of: 7, addresses: '198.51.100.9' },
    },
  },
  {
    name: 'slow answers',
    evidence: seen({ [acme]: { tookMs: 1_400 } }),
    outcome: { kind: 'degraded', reason: 'slow', args: { hosts: acme, count: 1, of: 6, ms: 1_400 } },
  },
  {
    name: 'the proxy of the environment resolves every name',
    evidence: { proxied: hosts, servers: [], names: [] },
    plan: env,
    outcome: { kind: 'not-applicable', because: 'proxied' },
  },
  {
    name: 'that proxy resolves all names but one',
    evidence: { proxied: hosts.slice(1), servers: ['192.0.2.53'], names: [name(acme)] },
    plan: env,
    outcome: { kind: 'pass' },
  },
  {
    name: 'evidence from behind a proxy that the policy no longer names',
    evidence: { proxied: hosts, servers: [], names: [] },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${hosts.join(', ')}` },
  },
  {
    name: 'everything goes through the proxy of the policy',
    evidence: seen(),
    plan: acmePlan({ network: { proxy: 'http://proxy.example.com:3128' } }),
    outcome: { kind: 'not-applicable', because: 'proxied' },
  },
  {
    name: 'evidence of an older, shorter plan',
    evidence: { ...seen(), names: seen().names.filter((one) => one.name !== participant) },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${participant}` },
  },
  {
    name: 'a name that the plan no longer holds is left out',
    evidence: { ...seen(), names: [...seen().names, name('old.example.com', silent)] },
    outcome: { kind: 'pass' },
  },
  {
    name: 'a plan without a name',
    evidence: { ...seen(), names: [] },
    plan: { endpoints: [] },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: 'no name of the endpoint plan was asked' },
  },
]);

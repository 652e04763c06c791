import { tcpEndpoints } from '../../../checks/network/plan-hosts.ts';
import check from '../../../checks/tls/interception.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const endpoint = (host: string, overrides: object = {}) => ({
  host,
  port: 443,
  anchor: 'expected',
  root: 'Amazon Root CA 1',
  sha256: null,
  issuer: '',
  organisation: '',
  ...overrides,
});
const acme = 'acme.my.connect.aws';
const resigned = {
  anchor: 'unknown',
  root: 'Example Inspection CA',
  sha256: null,
  issuer: 'CN=Example Inspection CA, O=Example Inspect',
  organisation: 'Example Inspect',
};
const named = { hosts: acme, count: 1, of: 6, interceptor: 'Example Inspect', issuer: 'CN=Example Inspection CA, O=Example Inspect' };
const hosts = tcpEndpoints(acmePlan()).map(({ host }) => host);
const seen = (overrides: object) => ({ endpoints: hosts.map((host) => endpoint(host, host === acme ? overrides : {})), unseen: [] });

export default defineCases(check, [
  { name: 'expected roots', evidence: seen({}), outcome: { kind: 'pass' } },
  {
    name: 're-signed by an authority that nobody trusts',
    evidence: seen(resigned),
    outcome: { kind: 'fail', reason: 'intercepted', args: named },
  },
  {
    name: 're-signed by an authority that this computer trusts',
    evidence: seen({ ...resigned, anchor: 'local' }),
    outcome: { kind: 'fail', reason: 'intercepted', args: named },
  },
  {
    name: 'a product that is known',
    evidence: seen({ ...resigned, issuer: 'CN=Zscaler Intermediate Root CA, O=Zscaler Inc.', organisation: 'Zscaler Inc.' }),
    outcome: {
      kind: 'fail',
      reason: 'intercepted',
      args: { ...named, interceptor: 'Zscaler', issuer: 'CN=Zscaler Intermediate Root CA, O=Zscaler Inc.' },
    },
  },
  {
    name: 'another public authority is news, not an interceptor',
    evidence: seen({ anchor: 'public', root: 'ISRG Root X1', issuer: "CN=R11, O=Let's Encrypt", organisation: "Let's Encrypt" }),
    outcome: {
      kind: 'degraded',
      reason: 'unexpected-root',
      args: { hosts: acme, count: 1, of: 6, issuer: "CN=R11, O=Let's Encrypt", root: 'ISRG Root X1' },
    },
  },
  {
    name: 'a self-signed server is a fault of the handshake',
    evidence: seen({ anchor: 'self-signed-leaf', root: acme, sha256: null, issuer: `CN=${acme}`, organisation: '' }),
    outcome: { kind: 'pass' },
  },
  {
    name: 'no handshake completed',
    evidence: { endpoints: [], unseen: hosts.map((host) => `${host}:443`) },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'no endpoint completed a TLS handshake' },
  },
  {
    name: 'evidence of an older, shorter plan',
    evidence: { endpoints: [endpoint(acme)], unseen: [] },
    outcome: {
      kind: 'unknown',
      cause: 'not-collected',
      detail: `not looked at: ${hosts
        .slice(1)
        .map((host) => `${host}:443`)
        .join(', ')}`,
    },
  },
  {
    name: 'a host that the plan no longer names is left out',
    evidence: { ...seen({}), endpoints: [...seen({}).endpoints, endpoint('old.example.com', resigned)] },
    outcome: { kind: 'pass' },
  },
]);

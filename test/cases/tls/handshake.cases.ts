import { tcpEndpoints } from '../../../checks/network/plan-hosts.ts';
import check from '../../../checks/tls/handshake.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const acme = 'acme.my.connect.aws';
const deskAt = '2026-06-01T12:00:00.000Z';
const endpoint = (host: string, overrides: object = {}) => ({
  host,
  port: 443,
  failure: null,
  code: null,
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  forwardSecrecy: true,
  nameMatches: true,
  names: [],
  anchor: 'expected',
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2027-01-01T00:00:00.000Z',
  ...overrides,
});
const hosts = tcpEndpoints(acmePlan()).map(({ host }) => host);
const names = hosts.map((host) => `${host}:443`);
const seen = (overrides: object) => ({
  deskAt,
  endpoints: hosts.map((host) => endpoint(host, host === acme ? overrides : {})),
  unreached: [],
});
const args = {
  hosts: acme,
  count: 1,
  of: 6,
  code: '',
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  names: '',
  notBefore: '2026-01-01',
  notAfter: '2027-01-01',
};
const noTls = { protocol: null, cipher: null, forwardSecrecy: null, nameMatches: null, anchor: null, notBefore: null, notAfter: null };
const broken = (failure: string, code: string) => seen({ ...noTls, failure, code });
const nothing = { protocol: '', cipher: '', notBefore: '', notAfter: '' };
const failed = (reason: string, code: string) => ({ kind: 'fail' as const, reason, args: { ...args, ...nothing, code } });

export default defineCases(check, [
  { name: 'TLS 1.3, own name, expected root', evidence: seen({}), outcome: { kind: 'pass' } },
  {
    name: 'TLS 1.2 with forward secrecy',
    evidence: seen({ protocol: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' }),
    outcome: { kind: 'pass' },
  },
  {
    name: 'expired',
    evidence: seen({ notAfter: '2026-05-01T00:00:00.000Z' }),
    outcome: { kind: 'fail', reason: 'expired', args: { ...args, notAfter: '2026-05-01' } },
  },
  {
    name: 'not yet valid',
    evidence: seen({ notBefore: '2026-07-01T00:00:00.000Z' }),
    outcome: { kind: 'fail', reason: 'not-yet-valid', args: { ...args, notBefore: '2026-07-01' } },
  },
  {
    name: 'for another name',
    evidence: seen({ nameMatches: false, names: ['other.example.com'] }),
    outcome: { kind: 'fail', reason: 'wrong-host', args: { ...args, names: 'other.example.com' } },
  },
  { name: 'signed by itself', evidence: seen({ anchor: 'self-signed-leaf' }), outcome: { kind: 'fail', reason: 'self-signed', args } },
  {
    name: 'without its intermediate',
    evidence: seen({ anchor: 'incomplete' }),
    outcome: { kind: 'fail', reason: 'incomplete-chain', args },
  },
  {
    name: 'TLS 1.1',
    evidence: seen({ protocol: 'TLSv1.1', cipher: 'ECDHE-RSA-AES128-SHA' }),
    outcome: { kind: 'fail', reason: 'old-protocol', args: { ...args, protocol: 'TLSv1.1', cipher: 'ECDHE-RSA-AES128-SHA' } },
  },
  {
    name: 'no protocol version in common',
    evidence: broken('protocol-version', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
    outcome: failed('old-protocol', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
  },
  {
    name: 'RSA key exchange',
    evidence: seen({ protocol: 'TLSv1.2', cipher: 'AES256-GCM-SHA384', forwardSecrecy: false }),
    outcome: { kind: 'fail', reason: 'no-forward-secrecy', args: { ...args, protocol: 'TLSv1.2', cipher: 'AES256-GCM-SHA384' } },
  },
  {
    name: 'plain text',
    evidence: broken('not-tls', 'ERR_SSL_WRONG_VERSION_NUMBER'),
    outcome: failed('not-tls', 'ERR_SSL_WRONG_VERSION_NUMBER'),
  },
  { name: 'reset by name', evidence: broken('reset', 'ECONNRESET'), outcome: failed('reset', 'ECONNRESET') },
  { name: 'closed', evidence: broken('closed', 'ECONNRESET'), outcome: failed('closed', 'ECONNRESET') },
  { name: 'silence', evidence: broken('timed-out', 'ETIMEDOUT'), outcome: failed('timed-out', 'ETIMEDOUT') },
  {
    name: 'refused by an alert',
    evidence: broken('handshake-refused', 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'),
    outcome: failed('handshake-refused', 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'),
  },
  { name: 'garbage', evidence: broken('malformed', 'ERR_SSL_BAD_LENGTH'), outcome: failed('malformed', 'ERR_SSL_BAD_LENGTH') },
  {
    name: 'two days left',
    evidence: seen({ notAfter: '2026-06-03T12:00:00.000Z' }),
    outcome: { kind: 'degraded', reason: 'expires-soon', args: { ...args, notAfter: '2026-06-03' } },
  },
  { name: 'trust in a foreign authority is judged elsewhere', evidence: seen({ anchor: 'unknown' }), outcome: { kind: 'pass' } },
  {
    name: 'no connection: other checks say why',
    evidence: { deskAt, endpoints: [], unreached: names },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'no endpoint accepted a connection' },
  },
  {
    name: 'evidence of an older, shorter plan',
    evidence: { deskAt, endpoints: [endpoint(acme)], unreached: [] },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${names.slice(1).join(', ')}` },
  },
  {
    name: 'a host that the plan no longer names is left out',
    evidence: { ...seen({}), endpoints: [...seen({}).endpoints, endpoint('old.example.com', { failure: 'reset' })] },
    outcome: { kind: 'pass' },
  },
]);

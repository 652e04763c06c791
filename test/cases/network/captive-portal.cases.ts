import check from '../../../checks/network/captive-portal.check.ts';
import { defineCases } from '../define-cases.ts';

const acme = 'acme.my.connect.aws';
const plain = (status: number | null, redirectsTo: string | null, secure = redirectsTo !== null) => ({
  host: acme,
  status,
  redirectsTo,
  secure,
});

export default defineCases(check, [
  { name: 'genuine certificates', evidence: { genuine: 6, plain: plain(301, acme), redirected: [] }, outcome: { kind: 'pass' } },
  {
    name: 'a genuine certificate outweighs whatever port 80 says',
    evidence: { genuine: 1, plain: plain(302, 'portal.example.com'), redirected: [] },
    outcome: { kind: 'pass' },
  },
  {
    name: 'port 80 redirects to a sign-in page',
    evidence: { genuine: 0, plain: plain(302, 'portal.example.com'), redirected: [] },
    outcome: { kind: 'fail', reason: 'portal', args: { portal: 'portal.example.com' } },
  },
  {
    name: 'status 511',
    evidence: { genuine: 0, plain: plain(511, null), redirected: [] },
    outcome: { kind: 'fail', reason: 'portal', args: { portal: acme } },
  },
  {
    name: 'only HTTPS is redirected, under a foreign certificate',
    evidence: { genuine: 0, plain: plain(null, null), redirected: [{ host: acme, to: 'portal.example.com' }] },
    outcome: { kind: 'fail', reason: 'portal', args: { portal: 'portal.example.com' } },
  },
  {
    name: "Amazon's own redirect is no portal",
    evidence: { genuine: 0, plain: plain(301, acme), redirected: [{ host: acme, to: 'us-west-2.signin.aws.amazon.com' }] },
    outcome: { kind: 'pass' },
  },
  {
    name: 'a portal that is served from AWS',
    evidence: { genuine: 0, plain: plain(302, 'portal.execute-api.us-west-2.amazonaws.com'), redirected: [] },
    outcome: { kind: 'fail', reason: 'portal', args: { portal: 'portal.execute-api.us-west-2.amazonaws.com' } },
  },
  {
    name: 'a host that redirects to itself by plain HTTP may be a portal in its place',
    evidence: { genuine: 0, plain: plain(302, acme, false), redirected: [] },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'neither a genuine certificate nor a redirect was seen' },
  },
  {
    name: 'nothing answers: other checks say why',
    evidence: { genuine: 0, plain: plain(null, null), redirected: [] },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'neither a genuine certificate nor a redirect was seen' },
  },
]);

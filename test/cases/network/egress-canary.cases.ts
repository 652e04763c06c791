import check from '../../../checks/network/egress-canary.check.ts';
import { defineCases } from '../define-cases.ts';

const host = 'canary.example.com';
const params = { canaries: [{ host, port: 443 }] };
const seen = (reached: string | null, failure: string | null) => ({ canaries: [{ host, port: 443, reached, failure }] });

export default defineCases(check, [
  { name: 'dropped', params, evidence: seen(null, 'timed-out'), outcome: { kind: 'pass' } },
  { name: 'rejected', params, evidence: seen(null, 'refused'), outcome: { kind: 'pass' } },
  { name: 'its name does not resolve here', params, evidence: seen(null, 'not-found'), outcome: { kind: 'pass' } },
  {
    name: 'reached directly',
    params,
    evidence: seen('direct', null),
    outcome: { kind: 'fail', reason: 'reachable', args: { hosts: `${host}:443`, count: 1 } },
  },
  {
    name: 'reached through the proxy',
    params,
    evidence: seen('proxy', 'timed-out'),
    outcome: { kind: 'fail', reason: 'reachable', args: { hosts: `${host}:443`, count: 1 } },
  },
  {
    name: 'an offline desk proves nothing',
    params,
    evidence: seen(null, 'no-route'),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `${host}:443: no-route` },
  },
  {
    name: 'a canary that was not looked at',
    params,
    evidence: { canaries: [] },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${host}:443` },
  },
  {
    name: 'a canary that the policy no longer names is left out',
    params,
    evidence: { canaries: [...seen(null, 'timed-out').canaries, { host: 'old.example.com', port: 443, reached: 'direct', failure: null }] },
    outcome: { kind: 'pass' },
  },
  {
    name: 'a proxy that cannot be asked proves nothing',
    params,
    evidence: seen(null, 'proxy-unreachable'),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `${host}:443: proxy-unreachable` },
  },
  { name: 'no canary configured', evidence: { canaries: [] }, outcome: { kind: 'not-applicable', because: 'not-configured' } },
]);

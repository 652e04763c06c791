import check from '../../../checks/network/region-latency.check.ts';
import { defineCases } from '../define-cases.ts';

const seen = (...times: number[]) => ({ samples: times.map((ms, i) => ({ host: `host${i}.example.com`, basis: 'tcp', ms })) });

export default defineCases(check, [
  { name: 'near', evidence: seen(30, 35), outcome: { kind: 'pass' } },
  { name: 'the median counts, not one slow host', evidence: seen(30, 35, 900), outcome: { kind: 'pass' } },
  { name: 'at the limit', evidence: seen(300), outcome: { kind: 'pass' } },
  {
    name: "above AWS's 300 ms",
    evidence: seen(301),
    outcome: { kind: 'degraded', reason: 'far', args: { ms: 301, region: 'us-west-2', limitMs: 300 } },
  },
  {
    name: 'beyond use',
    evidence: seen(640, 700, 650),
    outcome: { kind: 'fail', reason: 'too-far', args: { ms: 650, region: 'us-west-2', limitMs: 600 } },
  },
  {
    name: 'nothing connected',
    evidence: seen(),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'no host in us-west-2 accepted a connection' },
  },
]);

import check from '../../../checks/network/region-latency.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const transport = 'abc.transport.connect.us-west-2.amazonaws.com';
const plan = acmePlan({ network: { hosts: { transport: [transport] } } });
const hosts = ['acme.my.connect.aws', 'participant.connect.us-west-2.amazonaws.com', transport];
const seen = (...times: (number | null)[]) => ({ samples: times.map((ms, i) => ({ host: hosts[i] ?? '', basis: 'tcp', ms })) });

export default defineCases(check, [
  { name: 'near', evidence: seen(30, 35), outcome: { kind: 'pass' } },
  { name: 'the median counts, not one slow host', evidence: seen(30, 35, 900), plan, outcome: { kind: 'pass' } },
  { name: 'at the limit', evidence: seen(300, 300), outcome: { kind: 'pass' } },
  {
    name: "above AWS's 300 ms",
    evidence: seen(301, 302),
    outcome: { kind: 'degraded', reason: 'far', args: { ms: 301, region: 'us-west-2', limitMs: 300 } },
  },
  {
    name: 'beyond use',
    evidence: seen(640, 700, 650),
    plan,
    outcome: { kind: 'fail', reason: 'too-far', args: { ms: 650, region: 'us-west-2', limitMs: 600 } },
  },
  {
    name: 'nothing connected',
    evidence: seen(null, null),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'no host in us-west-2 accepted a connection' },
  },
  { name: 'of two hosts the slow one met something of its own', evidence: seen(30, 1_030), outcome: { kind: 'pass' } },
  {
    name: 'evidence of another Region',
    evidence: seen(30, 35),
    plan: acmePlan({ instance: { region: 'eu-west-2' } }),
    outcome: { kind: 'unknown', cause: 'not-collected', detail: 'not looked at: participant.connect.eu-west-2.amazonaws.com' },
  },
]);

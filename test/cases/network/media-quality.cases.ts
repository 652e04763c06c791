import check from '../../../checks/network/media-quality.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const host = 'TurnNlb-8d79b4466d82ad0e.elb.us-west-2.amazonaws.com';
const train = (rtt: (index: number) => number | null) => ({
  host,
  address: '15.193.7.11',
  rttMs: Array.from({ length: 50 }, (_, i) => rtt(i)),
  figures: null,
});
const losing = (every: number) => train((i) => (i % every === 0 ? null : 40));
const swinging = (by: number) => train((i) => (i % 2 === 0 ? 40 : 40 + by));

export default defineCases(check, [
  { name: 'a good path', evidence: train((i) => 40 + (i % 3)), outcome: { kind: 'pass' } },
  {
    name: 'three of fifty lost',
    evidence: losing(20),
    outcome: {
      kind: 'degraded',
      reason: 'loss',
      args: { host, sent: 50, lost: 3, lossPercent: 3, rttMs: 40, rttP95Ms: 40, jitterMs: 0, mos: 4.1 },
    },
  },
  {
    name: 'ten of fifty lost',
    evidence: losing(5),
    outcome: {
      kind: 'fail',
      reason: 'loss',
      args: { host, sent: 50, lost: 10, lossPercent: 10.6, rttMs: 40, rttP95Ms: 40, jitterMs: 0, mos: 3.31 },
    },
  },
  {
    name: "thresholds are the policy's",
    params: { lossPercent: { warn: 1, fail: 2 } },
    evidence: losing(20),
    outcome: {
      kind: 'fail',
      reason: 'loss',
      args: { host, sent: 50, lost: 3, lossPercent: 3, rttMs: 40, rttP95Ms: 40, jitterMs: 0, mos: 4.1 },
    },
  },
  {
    name: 'a long way',
    evidence: train(() => 350),
    outcome: {
      kind: 'degraded',
      reason: 'round-trip',
      args: { host, sent: 50, lost: 0, lossPercent: 0, rttMs: 350, rttP95Ms: 350, jitterMs: 0, mos: 4.25 },
    },
  },
  {
    name: 'uneven arrival',
    evidence: swinging(45),
    outcome: {
      kind: 'degraded',
      reason: 'jitter',
      args: { host, sent: 50, lost: 0, lossPercent: 0, rttMs: 40, rttP95Ms: 85, jitterMs: 43.1, mos: 4.34 },
    },
  },
  {
    name: 'each figure fair, all together poor',
    params: { mos: { warn: 4.4, fail: 3.1 } },
    evidence: train(() => 100),
    outcome: {
      kind: 'degraded',
      reason: 'mos',
      args: { host, sent: 50, lost: 0, lossPercent: 0, rttMs: 100, rttP95Ms: 100, jitterMs: 0, mos: 4.37 },
    },
  },
  {
    name: 'no answer at all says nothing about quality',
    evidence: train(() => null),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `${host} answered no Binding` },
  },
  {
    name: 'no address',
    evidence: { host, address: null, rttMs: [], figures: null },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `${host} has no address` },
  },
  {
    name: 'evidence of another Region',
    evidence: train(() => 40),
    plan: acmePlan({ instance: { region: 'eu-west-2' } }),
    outcome: {
      kind: 'unknown',
      cause: 'not-collected',
      detail: 'not looked at: TurnNlb-1dc64a459ead57ea.elb.eu-west-2.amazonaws.com',
    },
  },
  {
    name: 'a chat-only desk',
    evidence: train(() => 40),
    plan: acmePlan({ features: { voice: false } }),
    outcome: { kind: 'not-applicable', because: 'feature-absent' },
  },
]);

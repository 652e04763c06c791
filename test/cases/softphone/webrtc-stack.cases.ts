import { turnEndpoints } from '../../../checks/network/plan-hosts.ts';
import check from '../../../checks/softphone/webrtc-stack.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const planned = turnEndpoints(acmePlan());
const official = planned.filter(({ turn }) => turn.standing === 'official').map(({ host }) => host);
const hosts = planned.map(({ host }) => host);
/** What every server of the plan said. */
const said = (code: (host: string) => number | null) => ({
  available: true,
  opus: true,
  ownUdp: 2,
  servers: planned.map(({ host, port }) => ({ host, port, code: code(host), relayed: false, tookMs: code(host) === null ? null : 90 })),
});

export default defineCases(check, [
  { name: 'every audio server refuses the credentials, and so was reached', evidence: said(() => 401), outcome: { kind: 'pass' } },
  {
    name: 'one server answers, another keeps silent',
    evidence: said((host) => (host === hosts[0] ? 401 : null)),
    outcome: { kind: 'pass' },
  },
  {
    name: 'a server that takes any credentials',
    evidence: { ...said(() => null), servers: said(() => null).servers.map((one) => ({ ...one, relayed: true })) },
    outcome: { kind: 'pass' },
  },
  {
    name: 'silence of all proves nothing',
    evidence: said(() => null),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `no answer within 8 s from ${hosts.join(', ')}` },
  },
  {
    name: 'no server can be asked',
    evidence: said(() => 701),
    outcome: {
      kind: 'degraded',
      reason: 'turn-not-reached',
      args: { hosts: official.join(', '), count: official.length, of: hosts.length },
    },
  },
  {
    name: 'WebRTC is kept off UDP',
    evidence: { ...said(() => null), ownUdp: 0 },
    outcome: { kind: 'degraded', reason: 'no-udp', args: {} },
  },
  {
    name: 'an extension has taken WebRTC away',
    evidence: { available: false, opus: null, ownUdp: null, servers: [] },
    outcome: { kind: 'fail', reason: 'no-webrtc', args: {} },
  },
  { name: 'a build without Opus', evidence: { ...said(() => 401), opus: false }, outcome: { kind: 'fail', reason: 'no-opus', args: {} } },
  {
    name: 'no offer could be made',
    evidence: { available: true, opus: null, ownUdp: null, servers: [] },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'no offer could be made' },
  },
  {
    name: 'evidence of another Region',
    evidence: { ...said(() => 401), servers: [] },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${hosts.join(', ')}` },
  },
  {
    name: 'a chat-only desk',
    evidence: said(() => 401),
    plan: acmePlan({ features: { voice: false } }),
    outcome: { kind: 'not-applicable', because: 'feature-absent' },
  },
  {
    name: 'a VDI guest whose audio is at the agent’s own device',
    evidence: said(() => 401),
    plan: acmePlan({ features: { vdi: true } }),
    vantage: 'vdi-guest',
    outcome: { kind: 'not-applicable', because: 'media-redirected' },
  },
]);

import { z } from 'zod';
import { defineCheck } from '../check.ts';
import type { Plan } from '../plan.ts';
import type { EndpointObservation } from './observations.ts';
import { notCollected, tcpEndpoints } from './plan-hosts.ts';

/** Hosts that stand in the instance's Region. Static content comes from the nearest CloudFront edge and sign-in may be global. */
const regional = ['ccp', 'chat', 'signalling', 'telemetry'];

export default defineCheck({
  id: 'network.region-latency',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'shared',
  area: 'call-quality',
  controls: [],
  timeoutMs: 20_000,
  needs: ['network.allowlist-domains'],
  rule: { everyMs: 900_000, settleMs: 60_000, graceMs: 0, on: { fail: 'warn', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({
    warnAboveMs: z.number().positive().default(300).describe('AWS: average latency from agent to instance of at most 300 ms'),
    failAboveMs: z.number().positive().default(600).describe('Our number; AWS states none'),
  }),
  evidence: z.strictObject({
    samples: z
      .array(
        z.strictObject({
          host: z.string(),
          basis: z
            .enum(['tcp', 'http'])
            .describe('TCP connect on the direct path; request to response through a proxy, which includes the server'),
          ms: z.number().nullable().describe('Null when nothing connected'),
        }),
      )
      .meta({ class: 'internal' }),
  }),
  reasons: ['far', 'too-far'],

  async probe(host, { plan }) {
    const seen = await Promise.all(regionalEndpoints(plan).map(({ host: name, port }) => host.net.endpoint({ host: name, port })));
    return { seen: true, value: { samples: seen.map(sample) } };
  },

  evaluate({ samples }, { params, plan }) {
    const wanted = regionalEndpoints(plan).map((endpoint) => endpoint.host);
    const missing = notCollected(
      wanted,
      samples.map((s) => s.host),
    );
    if (missing) return missing;
    const sorted = samples.flatMap((s) => (wanted.includes(s.host) && s.ms !== null ? [s.ms] : [])).sort((a, b) => a - b);
    // The lower middle: all stand in one Region, so that of two the slow one met a lost packet or a busy server.
    const ms = sorted[Math.floor((sorted.length - 1) / 2)];
    if (ms === undefined)
      return { kind: 'unknown', cause: 'inconclusive', detail: `no host in ${plan.instance.region} accepted a connection` };
    const args = { ms, region: plan.instance.region, limitMs: params.warnAboveMs };
    if (ms > params.failAboveMs) return { kind: 'fail', reason: 'too-far', args: { ...args, limitMs: params.failAboveMs } };
    if (ms > params.warnAboveMs) return { kind: 'degraded', reason: 'far', args };
    return { kind: 'pass' };
  },
});

function regionalEndpoints(plan: Plan) {
  return tcpEndpoints(plan).filter((endpoint) => endpoint.region === plan.instance.region && regional.includes(endpoint.purpose));
}

function sample({ host, path, attempts, httpMs }: EndpointObservation) {
  const connectMs = attempts.find((attempt) => attempt.ok)?.connectMs ?? null;
  const ms = path === 'direct' ? connectMs : httpMs;
  return { host, basis: path === 'direct' ? ('tcp' as const) : ('http' as const), ms: ms === null ? null : Math.round(ms) };
}

import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { endpointName, listHosts, notCollected } from './plan-hosts.ts';

/** Failures that show that the way out is shut. The others (no route, no resolver) only show that this desk is offline. */
const shut = ['timed-out', 'refused', 'unreachable', 'blocked-on-desk', 'proxy-refused', 'not-found', 'reset', 'closed'];

export default defineCheck({
  id: 'network.egress-canary',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: ['pci-dss-4.0.1:1.3.2'],
  timeoutMs: 20_000,
  needs: ['network.dns'],
  rule: { everyMs: 3_600_000, settleMs: 0, graceMs: 0, on: { fail: 'warn', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({
    canaries: z
      .array(z.strictObject({ host: z.string().max(253), port: z.int().min(1).max(65_535).default(443) }))
      .max(8)
      .default([])
      .describe('Hosts of your own that this desk must not reach'),
  }),
  evidence: z.strictObject({
    canaries: z
      .array(
        z.strictObject({
          host: z.string(),
          port: z.number(),
          reached: z.enum(['direct', 'proxy']).nullable().describe('By which path it could be reached'),
          failure: z.string().nullable(),
        }),
      )
      .meta({ class: 'internal' }),
  }),
  reasons: ['reachable'],
  notApplicable: ({ params }) => (params.canaries.length > 0 ? null : 'not-configured'),

  async probe(host, { params }) {
    const canaries = await Promise.all(
      params.canaries.map(async (canary) => {
        const [direct, proxied] = await Promise.all([
          host.net.connectDirect(canary),
          host.net.isProxied(canary.host) ? host.net.endpoint(canary) : null,
        ]);
        const throughProxy =
          proxied !== null && (proxied.failure === null || proxied.failure.step === 'tls' || proxied.failure.step === 'http');
        const reached = direct.attempts.some((attempt) => attempt.ok) ? ('direct' as const) : throughProxy ? ('proxy' as const) : null;
        // A proxy that cannot be asked says nothing of what it would let through.
        const unasked = proxied?.failure?.kind === 'proxy-unreachable' ? proxied.failure : null;
        const failure = unasked ?? direct.failure ?? direct.attempts.find((attempt) => !attempt.ok)?.failure ?? null;
        const unresolved = failure?.kind === 'name-unresolved' && (failure.code === 'not-found' || failure.code === 'no-data');
        return { ...canary, reached, failure: unresolved ? 'not-found' : (failure?.kind ?? null) };
      }),
    );
    return { seen: true, value: { canaries } };
  },

  evaluate({ canaries }, { params }) {
    const wanted = params.canaries.map(endpointName);
    const named = canaries.filter((c) => wanted.includes(endpointName(c)));
    const reached = named.filter((c) => c.reached !== null);
    if (reached.length > 0)
      return { kind: 'fail', reason: 'reachable', args: { hosts: listHosts(reached.map(endpointName)), count: reached.length } };
    const missing = notCollected(wanted, named.map(endpointName));
    if (missing) return missing;
    const unsure = named.find((c) => !shut.includes(c.failure ?? ''));
    if (unsure) return { kind: 'unknown', cause: 'inconclusive', detail: `${endpointName(unsure)}: ${unsure.failure ?? 'nothing seen'}` };
    return { kind: 'pass' };
  },
});

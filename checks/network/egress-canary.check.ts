import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { listHosts } from './plan-hosts.ts';

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
        const failure = direct.failure ?? direct.attempts.find((attempt) => !attempt.ok)?.failure ?? null;
        const unresolved = failure?.kind === 'name-unresolved' && (failure.code === 'not-found' || failure.code === 'no-data');
        return { ...canary, reached, failure: unresolved ? 'not-found' : (failure?.kind ?? null) };
      }),
    );
    return { seen: true, value: { canaries } };
  },

  evaluate({ canaries }, { params }) {
    const name = (c: { host: string; port: number }) => `${c.host}:${c.port}`;
    const reached = canaries.filter((c) => c.reached !== null);
    if (reached.length > 0)
      return { kind: 'fail', reason: 'reachable', args: { hosts: listHosts(reached.map(name)), count: reached.length } };
    const missing = params.canaries.filter((wanted) => !canaries.some((c) => name(c) === name(wanted)));
    if (missing.length > 0) return { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${listHosts(missing.map(name))}` };
    const unsure = canaries.find((c) => !shut.includes(c.failure ?? ''));
    if (unsure) return { kind: 'unknown', cause: 'inconclusive', detail: `${name(unsure)}: ${unsure.failure ?? 'nothing seen'}` };
    return { kind: 'pass' };
  },
});

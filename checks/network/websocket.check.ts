import { z } from 'zod';
import { defineCheck } from '../check.ts';
import type { Plan } from '../plan.ts';
import { listHosts, notCollected } from './plan-hosts.ts';

export default defineCheck({
  id: 'network.websocket',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: [],
  timeoutMs: 20_000,
  needs: ['network.allowlist-domains', 'tls.interception', 'tls.handshake'],
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'note' } },
  params: z.strictObject({}),
  evidence: z.strictObject({
    endpoints: z
      .array(
        z.strictObject({
          host: z.string(),
          path: z.enum(['direct', 'proxy']),
          status: z.number().nullable().describe('Status of the answer to the upgrade; null when none came'),
          acceptOk: z.boolean().describe('Sec-WebSocket-Accept was the right one (RFC 6455 section 4.1)'),
          connected: z.boolean().describe('TLS was up when the upgrade was asked for'),
          code: z.string().nullable(),
          server: z.string().nullable().describe('Product that the answer names'),
        }),
      )
      .meta({ class: 'internal' }),
  }),
  reasons: ['upgrade-refused', 'upgrade-forged', 'upgrade-cut'],
  notApplicable: ({ plan }) => (socketEndpoints(plan).length > 0 ? null : 'no-documented-host'),

  async probe(host, { plan }) {
    const seen = await Promise.all(
      socketEndpoints(plan).map((endpoint) => host.net.upgrade({ host: endpoint.host, port: endpoint.port }, '/')),
    );
    return {
      seen: true,
      value: {
        endpoints: seen.map(({ host: name, path, status, acceptOk, failure, server }) => ({
          host: name,
          path,
          status,
          acceptOk,
          connected: failure === null || failure.step === 'http',
          code: failure?.code ?? null,
          server,
        })),
      },
    };
  },

  evaluate({ endpoints: seen }, { plan }) {
    const wanted = socketEndpoints(plan).map((endpoint) => endpoint.host);
    const endpoints = seen.filter((e) => wanted.includes(e.host));
    const good = endpoints.filter((e) => e.status === 101 && e.acceptOk);
    const bad = endpoints.filter((e) => e.connected && !good.includes(e));
    const first = bad[0];
    if (first && plan.network.websocketAnswers === 'expected') {
      const reason = first.status === null ? 'upgrade-cut' : first.status === 101 ? 'upgrade-forged' : 'upgrade-refused';
      const args = { hosts: listHosts(bad.map((e) => e.host)), status: first.status ?? 0 };
      return { kind: 'fail', reason, args };
    }
    const missing = notCollected(
      wanted,
      endpoints.map((e) => e.host),
    );
    if (missing) return missing;
    if (good.length === endpoints.length) return { kind: 'pass' };
    if (first) {
      // A server may refuse an upgrade that carries no credentials, so only a host known to accept one can prove a bad path.
      return {
        kind: 'unknown',
        cause: 'inconclusive',
        detail: `${first.host} answered ${first.status ?? first.code ?? 'nothing'} to an upgrade without credentials`,
      };
    }
    const unconnected = endpoints.filter((e) => !e.connected).map((e) => e.host);
    return { kind: 'unknown', cause: 'inconclusive', detail: `no connection to ${listHosts(unconnected)}` };
  },
});

function socketEndpoints(plan: Plan) {
  return plan.endpoints.filter((endpoint) => endpoint.websocket);
}

import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { listHosts, tcpEndpoints } from '../network/plan-hosts.ts';
import { nameInterceptor } from './interceptors.ts';

export default defineCheck({
  id: 'tls.interception',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'encryption-in-transit',
  controls: ['pci-dss-4.0.1:4.2.1'],
  timeoutMs: 20_000,
  needs: ['network.allowlist-domains'],
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({}),
  evidence: z.strictObject({
    endpoints: z
      .array(
        z.strictObject({
          host: z.string(),
          port: z.number(),
          anchor: z
            .enum(['expected', 'public', 'local', 'self-signed-leaf', 'incomplete', 'unknown'])
            .describe(
              'Where the presented chain ends: at an expected root, at another public root, at a root that only this computer trusts, ...',
            ),
          root: z.string().describe('Name of that root, or of the last issuer seen'),
          sha256: z.string().nullable().describe('SHA-256 of that root, where it is known'),
          issuer: z.string().describe("Issuer of the server's certificate"),
          organisation: z.string(),
        }),
      )
      .describe('Every endpoint of the plan whose TLS handshake completed')
      .meta({ class: 'internal' }),
  }),
  reasons: ['intercepted', 'unexpected-root'],

  async probe(host, { plan }) {
    const seen = await Promise.all(tcpEndpoints(plan).map(({ host: name, port }) => host.net.endpoint({ host: name, port })));
    return {
      seen: true,
      value: {
        endpoints: seen.flatMap(({ host: name, port, tls }) =>
          tls
            ? [
                {
                  host: name,
                  port,
                  anchor: tls.anchor.kind,
                  root: tls.anchor.name,
                  sha256: tls.anchor.sha256,
                  issuer: tls.chain[0]?.issuer ?? '',
                  organisation: tls.chain[0]?.issuerOrg ?? '',
                },
              ]
            : [],
        ),
      },
    };
  },

  evaluate({ endpoints }) {
    if (endpoints.length === 0) return { kind: 'unknown', cause: 'inconclusive', detail: 'no endpoint completed a TLS handshake' };
    const argsOf = (list: typeof endpoints) => {
      const first = list[0];
      const issuer = first?.issuer ?? '';
      return {
        hosts: listHosts(list.map((e) => e.host)),
        count: list.length,
        of: endpoints.length,
        interceptor: nameInterceptor(`${issuer} ${first?.root ?? ''}`) ?? first?.organisation ?? issuer,
        issuer,
      };
    };
    const foreign = endpoints.filter((e) => e.anchor === 'unknown' || e.anchor === 'local');
    if (foreign.length > 0) return { kind: 'fail', reason: 'intercepted', args: argsOf(foreign) };
    // Public authorities do not sign for interceptors: a root of theirs that we did not expect is news for the allowlist.
    const moved = endpoints.filter((e) => e.anchor === 'public');
    if (moved.length > 0) {
      const { interceptor: _, ...args } = argsOf(moved);
      return { kind: 'degraded', reason: 'unexpected-root', args: { ...args, root: moved[0]?.root ?? '' } };
    }
    return { kind: 'pass' };
  },
});

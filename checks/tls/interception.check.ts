import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { endpointName, listHosts, notCollected, tcpEndpoints } from '../network/plan-hosts.ts';
import { nameInterceptor } from './interceptors.ts';

/** A foreign certificate's names are strangers' text of any length; more of it than this names nobody better. */
const LONGEST_NAME = 100;
/** Certificates of each foreign kind that are told in full. More would tell the same of the same interceptor, and evidence has a limit. */
const FOREIGN_KEPT = 4;

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
          sha256: z.string().nullable().describe('SHA-256 of that root, where it is known and not an expected one'),
          issuer: z.string().describe("Issuer of the server's certificate, where it ends at no expected root; only of the first of these"),
          organisation: z.string().describe('Organisation of that issuer'),
        }),
      )
      .describe('Every endpoint of the plan whose TLS handshake completed')
      .meta({ class: 'internal' }),
    unseen: z.array(z.string()).describe('Endpoints of the plan whose TLS handshake did not complete').meta({ class: 'internal' }),
  }),
  reasons: ['intercepted', 'unexpected-root'],

  async probe(host, { plan }) {
    const seen = await Promise.all(tcpEndpoints(plan).map(({ host: name, port }) => host.net.endpoint({ host: name, port })));
    const told = new Map<string, number>();
    const endpoints = seen.flatMap(({ host: name, port, tls }) => {
      if (!tls) return [];
      const { kind } = tls.anchor;
      told.set(kind, (told.get(kind) ?? 0) + 1);
      const isTold = kind !== 'expected' && (told.get(kind) ?? 0) <= FOREIGN_KEPT;
      return [
        {
          host: name,
          port,
          anchor: kind,
          root: kind === 'expected' || isTold ? tls.anchor.name.slice(0, LONGEST_NAME) : '',
          sha256: isTold ? tls.anchor.sha256 : null,
          issuer: isTold ? (tls.chain[0]?.issuer ?? '').slice(0, LONGEST_NAME) : '',
          organisation: isTold ? (tls.chain[0]?.issuerOrg ?? '').slice(0, LONGEST_NAME) : '',
        },
      ];
    });
    return { seen: true, value: { endpoints, unseen: seen.filter(({ tls }) => !tls).map(endpointName) } };
  },

  evaluate({ endpoints: all, unseen }, { plan }) {
    const wanted = tcpEndpoints(plan).map(endpointName);
    const endpoints = all.filter((e) => wanted.includes(endpointName(e)));
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
    const missing = notCollected(wanted, [...all.map(endpointName), ...unseen]);
    if (missing) return missing;
    if (endpoints.length === 0) return { kind: 'unknown', cause: 'inconclusive', detail: 'no endpoint completed a TLS handshake' };
    // Public authorities do not sign for interceptors: a root of theirs that we did not expect is news for the allowlist.
    const moved = endpoints.filter((e) => e.anchor === 'public');
    if (moved.length > 0) {
      const { interceptor: _, ...args } = argsOf(moved);
      return { kind: 'degraded', reason: 'unexpected-root', args: { ...args, root: moved[0]?.root ?? '' } };
    }
    return { kind: 'pass' };
  },
});

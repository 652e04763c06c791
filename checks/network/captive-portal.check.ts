import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { tcpEndpoints } from './plan-hosts.ts';

/** Network Authentication Required (RFC 6585 section 6): the status made for captive portals. */
const NETWORK_AUTHENTICATION_REQUIRED = 511;

/** Redirects among these are Amazon's own. */
const amazonSuffixes = ['connect.aws', 'amazonaws.com', 'awsapps.com', 'amazon.com', 'cloudfront.net', 'aws', 'amazonaws-us-gov.com'];

export default defineCheck({
  id: 'network.captive-portal',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: [],
  timeoutMs: 20_000,
  needs: ['network.dns'],
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'note' } },
  params: z.strictObject({}),
  evidence: z.strictObject({
    genuine: z.number().describe('Hosts that showed a certificate of their own name from an expected root').meta({ class: 'internal' }),
    plain: z
      .strictObject({
        host: z.string(),
        status: z.number().nullable(),
        redirectsTo: z.string().nullable().describe('Host of the Location header'),
      })
      .nullable()
      .describe('Answer on port 80; null when it was not asked because 443 goes through a proxy')
      .meta({ class: 'internal' }),
    redirected: z
      .array(z.strictObject({ host: z.string(), to: z.string() }))
      .describe('Hosts whose HTTPS answer, under a certificate that is not theirs, redirects elsewhere')
      .meta({ class: 'internal' }),
  }),
  reasons: ['portal'],

  async probe(host, { plan }) {
    const endpoints = tcpEndpoints(plan);
    const first = endpoints[0];
    if (!first) return { seen: false, cause: 'not-collected', detail: 'the endpoint plan names no host' };
    const [plain, ...seen] = await Promise.all([
      host.net.isProxied(first.host) ? null : host.net.plain(first.host),
      ...endpoints.map(({ host: name, port }) => host.net.endpoint({ host: name, port })),
    ]);
    const isGenuine = (e: (typeof seen)[number]) => e.tls?.anchor.kind === 'expected' && e.tls.nameMatches;
    return {
      seen: true,
      value: {
        genuine: seen.filter(isGenuine).length,
        plain: plain && {
          host: plain.host,
          status: plain.http?.status ?? null,
          redirectsTo: hostOf(plain.http?.location ?? null, plain.host),
        },
        redirected: seen
          .filter((e) => !isGenuine(e))
          .flatMap((e) => {
            const to = hostOf(e.http?.location ?? null, e.host);
            return to === null || to === e.host ? [] : [{ host: e.host, to }];
          })
          .slice(0, 4),
      },
    };
  },

  evaluate({ genuine, plain, redirected }) {
    if (genuine > 0) return { kind: 'pass' };
    if (plain?.status === NETWORK_AUTHENTICATION_REQUIRED)
      return { kind: 'fail', reason: 'portal', args: { portal: plain.redirectsTo ?? plain.host } };
    const foreign = [plain?.redirectsTo, ...redirected.map((r) => r.to)].find((to) => to !== undefined && to !== null && !isAmazon(to));
    if (foreign) return { kind: 'fail', reason: 'portal', args: { portal: foreign } };
    if (plain?.redirectsTo) return { kind: 'pass' };
    return { kind: 'unknown', cause: 'inconclusive', detail: 'neither a genuine certificate nor a redirect was seen' };
  },
});

function isAmazon(host: string): boolean {
  return amazonSuffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`));
}

/** Host of a Location header; a relative one stays on the host that sent it. Null without a header or with one that is no URL. */
function hostOf(location: string | null, base: string): string | null {
  if (location === null) return null;
  const absolute = /^(?:https?:)?\/\/([^/:?#\\@]{1,253})(?:[:/?#]|$)/i.exec(location);
  if (absolute) return (absolute[1] as string).toLowerCase();
  return location.startsWith('/') ? base : null;
}

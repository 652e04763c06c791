import { z } from 'zod';
import { defineCheck } from '../check.ts';
import type { TlsFacts } from './observations.ts';
import { tcpEndpoints } from './plan-hosts.ts';

/** Network Authentication Required (RFC 6585 section 6): the status made for captive portals. */
const NETWORK_AUTHENTICATION_REQUIRED = 511;

/** Redirects to these are Amazon's own. Not where Amazon's customers are served from, since portals stand there too. */
const amazonSuffixes = ['connect.aws', 'awsapps.com', 'signin.aws', 'amazon.com', 'amazonaws-us-gov.com', 'aws-us-gov.com'];

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
    genuine: z
      .number()
      .describe('Hosts that showed a certificate of their own name from an expected or another public root')
      .meta({ class: 'internal' }),
    plain: z
      .strictObject({
        host: z.string(),
        status: z.number().nullable(),
        redirectsTo: z.string().nullable().describe('Host of the Location header'),
        secure: z.boolean().describe('The Location header leads to HTTPS'),
      })
      .nullable()
      .describe('Answer on port 80; null when it was not asked because 443 goes through a proxy')
      .meta({ class: 'internal' }),
    redirected: z
      .array(z.strictObject({ host: z.string(), to: z.string() }))
      .describe('Hosts whose HTTPS answer, under a certificate of another name or one signed by itself, redirects elsewhere')
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
    return {
      seen: true,
      value: {
        genuine: seen.filter(({ tls }) => tls !== null && isGenuine(tls)).length,
        plain: plain && {
          host: plain.host,
          status: plain.http?.status ?? null,
          redirectsTo: hostOf(plain.http?.location ?? null, plain.host),
          secure: /^https:/i.test(plain.http?.location ?? ''),
        },
        redirected: seen
          .filter(({ tls }) => tls !== null && isUsurped(tls))
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
    const foreign = [plain?.redirectsTo, ...redirected.map((r) => r.to)].find(
      (to) => to !== undefined && to !== null && to !== plain?.host && !isAmazon(to),
    );
    if (foreign) return { kind: 'fail', reason: 'portal', args: { portal: foreign } };
    // A portal stays on the host it took over, by plain HTTP; the real one leads to HTTPS.
    if (plain?.redirectsTo && plain.secure) return { kind: 'pass' };
    return { kind: 'unknown', cause: 'inconclusive', detail: 'neither a genuine certificate nor a redirect was seen' };
  },
});

/** Public authorities sign Amazon's names for Amazon alone, whether or not the allowlist expects them. */
function isGenuine({ anchor, nameMatches }: TlsFacts): boolean {
  return nameMatches && (anchor.kind === 'expected' || anchor.kind === 'public');
}

/** An interceptor signs in the host's own name and hands the host's own redirects on, so that those are no portal's. */
function isUsurped({ anchor, nameMatches }: TlsFacts): boolean {
  return !nameMatches || anchor.kind === 'self-signed-leaf';
}

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

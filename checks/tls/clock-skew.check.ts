import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { listHosts, tcpEndpoints } from '../network/plan-hosts.ts';

/** Sources kept in the evidence. */
const SOURCES_KEPT = 8;
/** A Date header has a resolution of one second, and the way there and back is not always even. */
const AGREE_WITHIN_MS = 3_000;

export default defineCheck({
  id: 'tls.clock-skew',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'encryption-in-transit',
  controls: ['pci-dss-4.0.1:10.6.1'],
  timeoutMs: 20_000,
  needs: ['network.allowlist-domains'],
  rule: { everyMs: 900_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'note' } },
  params: z.strictObject({
    warnAboveSeconds: z.number().positive().default(30).describe('Our number; AWS states none'),
    failAboveSeconds: z
      .number()
      .positive()
      .default(300)
      .describe('AWS refuses requests signed more than 5 minutes away; SAML assertions live about as long'),
  }),
  evidence: z.strictObject({
    sources: z
      .array(
        z.strictObject({
          host: z.string(),
          by: z.enum(['https', 'http']),
          offsetMs: z.number().describe("Server's Date header minus this desk's clock"),
        }),
      )
      .meta({ class: 'internal' }),
  }),
  reasons: ['clock-behind', 'clock-ahead'],

  async probe(host, { plan }) {
    const endpoints = tcpEndpoints(plan);
    const first = endpoints[0];
    const [plain, ...seen] = await Promise.all([
      first && !host.net.isProxied(first.host) ? host.net.plain(first.host) : null,
      ...endpoints.map(({ host: name, port }) => host.net.endpoint({ host: name, port })),
    ]);
    const sources = [...seen.map((e) => ({ ...e, by: 'https' as const })), ...(plain ? [{ ...plain, by: 'http' as const }] : [])].flatMap(
      ({ host: name, by, http }) =>
        http === null || http.clockOffsetMs === null ? [] : [{ host: name, by, offsetMs: Math.round(http.clockOffsetMs) }],
    );
    return { seen: true, value: { sources: sources.slice(0, SOURCES_KEPT) } };
  },

  evaluate({ sources }, { params }) {
    const offsets = sources.map((source) => source.offsetMs).sort((a, b) => a - b);
    const median = offsets[Math.floor(offsets.length / 2)];
    const agreeing = median === undefined ? [] : sources.filter((source) => Math.abs(source.offsetMs - median) <= AGREE_WITHIN_MS);
    // The Date of one server is no proof, told twice or not, and neither is that of a minority.
    const hosts = new Set(agreeing.map((source) => source.host));
    if (median === undefined || hosts.size < 2 || agreeing.length * 2 <= sources.length) {
      return { kind: 'unknown', cause: 'inconclusive', detail: `${agreeing.length} of ${sources.length} time sources agree` };
    }
    const seconds = Math.abs(median) / 1_000;
    const reason = median > 0 ? 'clock-behind' : 'clock-ahead';
    const args = {
      duration: spell(Math.round(seconds)),
      offsetSeconds: Math.round(median / 1_000),
      sources: listHosts(agreeing.map((source) => `${source.by}://${source.host}`)),
    };
    if (seconds > params.failAboveSeconds) return { kind: 'fail', reason, args };
    return seconds > params.warnAboveSeconds ? { kind: 'degraded', reason, args } : { kind: 'pass' };
  },
});

/** The two largest units, by their symbols, which are the same in every language: `400 d 2 h`, `10 min 3 s`. */
function spell(seconds: number): string {
  const units = [
    { symbol: 'd', value: Math.floor(seconds / 86_400) },
    { symbol: 'h', value: Math.floor(seconds / 3_600) % 24 },
    { symbol: 'min', value: Math.floor(seconds / 60) % 60 },
    { symbol: 's', value: seconds % 60 },
  ];
  const first = units.findIndex(({ value }) => value > 0);
  const shown = first < 0 ? units.slice(-1) : units.slice(first, first + 2).filter(({ value }, index) => index === 0 || value > 0);
  return shown.map(({ symbol, value }) => `${value} ${symbol}`).join(' ');
}

import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { listHosts, notCollected, resolveHost, tcpEndpoints, turnEndpoints } from './plan-hosts.ts';

const Code = z.enum(['ok', 'not-found', 'no-data', 'server-failed', 'refused', 'timed-out', 'no-server', 'malformed']);

/** Codes of a name that does not exist as far as the answering server says; the others mean that nobody answered. */
const absent: readonly z.infer<typeof Code>[] = ['not-found', 'no-data', 'malformed'];

/** Enough to show where an answer points; the rest is only counted. */
const ADDRESSES_KEPT = 3;

export default defineCheck({
  id: 'network.dns',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: [],
  timeoutMs: 8_000,
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'note', unknown: 'warn' } },
  params: z.strictObject({
    slowAboveMs: z.number().positive().default(1_000).describe('Slower answers are degraded; our number, AWS states none'),
  }),
  evidence: z.strictObject({
    proxied: z.array(z.string()).describe('Names that are left to the proxy of the policy').meta({ class: 'internal' }),
    servers: z.array(z.string()).describe('Resolvers that this desk is configured with').meta({ class: 'internal' }),
    names: z
      .array(
        z.strictObject({
          name: z.string(),
          code: Code.describe('How the resolvers answered'),
          system: Code.nullable().describe("How the operating system's own lookup answered; null when it was not asked or did not end"),
          addresses: z.array(z.string()).describe('The first addresses that a connection would use'),
          outside: z.array(z.string()).describe("Addresses outside AWS's published ranges"),
          tookMs: z.number(),
        }),
      )
      .describe('One entry per host of the endpoint plan')
      .meta({ class: 'internal' }),
  }),
  // Whatever the address of the proxy, everything on port 443 goes through it.
  notApplicable: ({ plan }) => (['none', 'env'].includes(plan.network.proxy) ? null : 'proxied'),
  reasons: ['no-answer', 'outside-published-ranges', 'not-found', 'slow'],

  async probe(host, { plan }) {
    const web = [...new Set(tcpEndpoints(plan).map((endpoint) => endpoint.host))];
    const proxied = web.filter((name) => host.net.isProxied(name));
    if (proxied.length > 0 && proxied.length === web.length) return { seen: true, value: { proxied, servers: [], names: [] } };
    // The guest of a VDI whose audio leaves elsewhere needs no TURN host.
    const turn = host.vantage === 'vdi-guest' && plan.features.vdi ? [] : turnEndpoints(plan);
    const official = turn.filter((endpoint) => endpoint.turn.standing === 'official').map((endpoint) => endpoint.host);
    const wanted = [...new Set([...web.filter((name) => !proxied.includes(name)), ...official])];
    const answers = await Promise.all(wanted.map((name) => resolveHost(host.net, name)));
    const published = plan.awsPrefixes();
    return {
      seen: true,
      value: {
        proxied,
        servers: answers[0]?.servers ?? [],
        names: answers.map((answer) => ({
          name: answer.name,
          code: answer.resolver.code,
          system: answer.system?.code ?? null,
          addresses: answer.addresses.slice(0, ADDRESSES_KEPT),
          outside: answer.addresses.filter((address) => !published.has(address)).slice(0, ADDRESSES_KEPT),
          tookMs: Math.round(answer.tookMs),
        })),
      },
    };
  },

  evaluate({ proxied, names: asked, servers }, { params, plan }) {
    const web = tcpEndpoints(plan).map((endpoint) => endpoint.host);
    const leftToProxy = plan.network.proxy === 'none' ? [] : proxied;
    const planned = [...web, ...turnEndpoints(plan).map((endpoint) => endpoint.host)];
    const names = asked.filter((name) => planned.includes(name.name));
    const missing = notCollected(web, [...leftToProxy, ...names.map((name) => name.name)]);
    if (missing) return missing;
    if (leftToProxy.length > 0 && names.length === 0) return { kind: 'not-applicable', because: 'proxied' };
    if (names.length === 0) return { kind: 'unknown', cause: 'not-collected', detail: 'no name of the endpoint plan was asked' };
    const unanswered = names.filter((name) => name.addresses.length === 0);
    const args = (list: typeof names) => ({ hosts: listHosts(list.map((name) => name.name)), count: list.length, of: names.length });
    const silent = unanswered.filter((name) => !absent.includes(name.system ?? name.code) && !absent.includes(name.code));
    if (silent.length === names.length)
      return { kind: 'fail', reason: 'no-answer', args: { ...args(silent), servers: listHosts(servers) } };
    const outside = names.filter((name) => name.outside.length > 0 && !isOwnHost(name.name, plan.network.hosts));
    if (outside.length > 0) {
      return {
        kind: 'fail',
        reason: 'outside-published-ranges',
        args: { ...args(outside), addresses: listHosts(outside.flatMap((name) => name.outside)) },
      };
    }
    if (silent.length > 0) return { kind: 'fail', reason: 'no-answer', args: { ...args(silent), servers: listHosts(servers) } };
    if (unanswered.length > 0) return { kind: 'fail', reason: 'not-found', args: args(unanswered) };
    const slow = names.filter((name) => name.tookMs > params.slowAboveMs);
    if (slow.length > 0) {
      return { kind: 'degraded', reason: 'slow', args: { ...args(slow), ms: Math.max(...slow.map((name) => name.tookMs)) } };
    }
    return { kind: 'pass' };
  },
});

/** A host that the policy itself names for a row may be the customer's own, such as a reflector, and not AWS's. */
function isOwnHost(name: string, hosts: Readonly<Record<string, readonly string[]>>): boolean {
  const amazon = /\.(amazonaws\.com|amazonaws-us-gov\.com|aws-us-gov\.com|awsapps\.com|cloudfront\.net|aws|amazon\.com)$/;
  return !amazon.test(name.toLowerCase()) && Object.values(hosts).some((list) => list.includes(name));
}

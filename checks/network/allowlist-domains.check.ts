import { z } from 'zod';
import { defineCheck } from '../check.ts';
import type { EndpointObservation } from './observations.ts';
import { endpointName, listHosts, mostFrequent, notCollected, tcpEndpoints } from './plan-hosts.ts';

const Failure = z.enum([
  'timed-out',
  'refused',
  'unreachable',
  'no-route',
  'blocked-on-desk',
  'proxy-unreachable',
  'proxy-refused',
  'name-unresolved',
  'other',
]);

/** What is said of several different failures: the most frequent, and of equally frequent ones the first here. */
const reasonOf = {
  'no-route': 'no-route',
  'blocked-on-desk': 'blocked-on-desk',
  'proxy-unreachable': 'proxy-unreachable',
  'proxy-refused': 'proxy-refused',
  'timed-out': 'blocked',
  refused: 'refused',
  unreachable: 'refused',
  'name-unresolved': 'name-unresolved',
} as const satisfies Record<Exclude<z.infer<typeof Failure>, 'other'>, string>;

export default defineCheck({
  id: 'network.allowlist-domains',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: [],
  timeoutMs: 20_000,
  needs: ['network.dns', 'network.captive-portal'],
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'warn' } },
  params: z.strictObject({}),
  evidence: z.strictObject({
    endpoints: z
      .array(
        z.strictObject({
          host: z.string(),
          port: z.number(),
          path: z.enum(['direct', 'proxy']),
          connectMs: z.number().nullable().describe('TCP connect time; null through a proxy or when nothing connected'),
          failure: Failure.nullable(),
          code: z.string().nullable().describe('The raw code of the failure'),
          dead: z.array(z.string()).describe('Addresses that did not accept although another one of the host did'),
        }),
      )
      .describe('One entry per TCP endpoint of the plan')
      .meta({ class: 'internal' }),
  }),
  reasons: [
    'blocked',
    'refused',
    'no-route',
    'blocked-on-desk',
    'proxy-unreachable',
    'proxy-refused',
    'name-unresolved',
    'some-addresses-blocked',
  ],

  async probe(host, { plan }) {
    const seen = await Promise.all(tcpEndpoints(plan).map(({ host: name, port }) => host.net.endpoint({ host: name, port })));
    return { seen: true, value: { endpoints: seen.map(reduce) } };
  },

  evaluate({ endpoints }, { plan }) {
    const wanted = tcpEndpoints(plan).map(endpointName);
    const planned = endpoints.filter((e) => wanted.includes(endpointName(e)));
    const of = (list: typeof endpoints) => ({ hosts: listHosts(list.map(endpointName)), count: list.length, of: wanted.length });
    const failures = planned.flatMap((endpoint) => {
      const { failure } = endpoint;
      return failure === null || failure === 'other' ? [] : [{ endpoint, reason: reasonOf[failure] }];
    });
    const reason = mostFrequent(failures.map((failed) => failed.reason));
    if (reason) return { kind: 'fail', reason, args: of(failures.map((failed) => failed.endpoint)) };
    const missing = notCollected(wanted, endpoints.map(endpointName));
    if (missing) return missing;
    // A code that nobody knows, such as too many open files here, says nothing about the way there.
    const unsure = planned.find((e) => e.failure === 'other');
    if (unsure) return { kind: 'unknown', cause: 'inconclusive', detail: `${endpointName(unsure)}: ${unsure.code ?? 'other'}` };
    const partly = planned.filter((e) => e.dead.length > 0);
    if (partly.length > 0) {
      return {
        kind: 'degraded',
        reason: 'some-addresses-blocked',
        args: { ...of(partly), addresses: listHosts(partly.flatMap((e) => e.dead)) },
      };
    }
    return { kind: 'pass' };
  },
});

/** Only the steps up to an open connection concern the allowlist; TLS has checks of its own. */
function reduce(seen: EndpointObservation) {
  const failure =
    seen.failure && (seen.failure.step === 'dns' || seen.failure.step === 'proxy' || seen.failure.step === 'tcp') ? seen.failure : null;
  const kind = Failure.safeParse(failure?.kind);
  const connected = seen.attempts.filter((attempt) => attempt.ok);
  return {
    host: seen.host,
    port: seen.port,
    path: seen.path,
    connectMs: connected[0]?.connectMs ?? null,
    failure: failure === null ? null : kind.success ? kind.data : ('other' as const),
    code: failure?.code ?? null,
    dead: connected.length > 0 ? seen.attempts.filter((attempt) => !attempt.ok).map((attempt) => attempt.address) : [],
  };
}

import type { Judgement } from '../check.ts';
import type { HostPort, Net } from '../host.ts';
import type { Plan } from '../plan.ts';
import type { Endpoint } from './endpoints.ts';
import type { NameAnswer } from './observations.ts';

/** Characters of a list: every host of a plan with all features fits, and the rest would only be counted. */
const LONGEST_LIST = 1_900;

/** `a:443, b:443`, each once; `(+3)` where there are more than fit. */
export function listHosts(hosts: readonly string[]): string {
  const unique = [...new Set(hosts)];
  let list = '';
  for (const [index, host] of unique.entries()) {
    const longer = index === 0 ? host.slice(0, LONGEST_LIST) : `${list}, ${host}`;
    if (longer.length > LONGEST_LIST) return `${list} (+${unique.length - index})`;
    list = longer;
  }
  return list;
}

/** The plan's TCP endpoints: what the 443 probes look at. */
export function tcpEndpoints(plan: Plan): Endpoint[] {
  return plan.endpoints.filter((endpoint) => endpoint.protocol === 'tcp');
}

/** The plan's TURN hosts. Chime's media hosts are wildcards and never stand here. */
export function turnEndpoints(plan: Plan): (Endpoint & { turn: NonNullable<Endpoint['turn']> })[] {
  return plan.endpoints.filter((endpoint): endpoint is Endpoint & { turn: NonNullable<Endpoint['turn']> } => endpoint.turn !== undefined);
}

export function endpointName({ host, port }: HostPort): string {
  return `${host}:${port}`;
}

/** Evidence that lacks a name which the plan holds was taken under another plan, and cannot be judged by this one. */
export function notCollected(wanted: readonly string[], seen: readonly string[]): Extract<Judgement<never>, { kind: 'unknown' }> | null {
  const missing = wanted.filter((name) => !seen.includes(name));
  return missing.length === 0 ? null : { kind: 'unknown', cause: 'not-collected', detail: `not looked at: ${listHosts(missing)}` };
}

/** IPv4, and IPv6 only where the name has no IPv4 address: the family that a connection of this desk uses. */
export async function resolveHost(net: Net, name: string): Promise<NameAnswer> {
  const four = await net.resolve(name, 4);
  // After silence or a refusal the second question would only be met with the same, seconds later.
  if (four.addresses.length > 0 || !['ok', 'no-data', 'not-found'].includes(four.resolver.code)) return four;
  const six = await net.resolve(name, 6);
  return six.addresses.length > 0 ? six : four;
}

/** The value that occurs most often; the first of them on a tie. Undefined for none. */
export function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: T | undefined;
  for (const [value, count] of counts) if (best === undefined || count > (counts.get(best) ?? 0)) best = value;
  return best;
}

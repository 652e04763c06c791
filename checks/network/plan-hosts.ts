import type { Plan } from '../plan.ts';
import type { Endpoint } from './endpoints.ts';

/** Hosts named in a text before the rest is only counted. */
const NAMED = 6;

/** `a:443, b:443 (+3)`, within the bound of an argument. */
export function listHosts(hosts: readonly string[]): string {
  const unique = [...new Set(hosts)];
  let named = unique.slice(0, NAMED);
  while (named.length > 1 && named.join(', ').length > 480) named = named.slice(0, -1);
  const rest = unique.length - named.length;
  return (rest > 0 ? `${named.join(', ')} (+${rest})` : named.join(', ')).slice(0, 500);
}

/** The plan's TCP endpoints: what the 443 probes look at. */
export function tcpEndpoints(plan: Plan): Endpoint[] {
  return plan.endpoints.filter((endpoint) => endpoint.protocol === 'tcp');
}

/** The plan's TURN hosts. Chime's media hosts are wildcards and never stand here. */
export function turnEndpoints(plan: Plan): (Endpoint & { turn: NonNullable<Endpoint['turn']> })[] {
  return plan.endpoints.filter((endpoint): endpoint is Endpoint & { turn: NonNullable<Endpoint['turn']> } => endpoint.turn !== undefined);
}

/** The value that occurs most often; the first of them on a tie. Undefined for none. */
export function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: T | undefined;
  for (const [value, count] of counts) if (best === undefined || count > (counts.get(best) ?? 0)) best = value;
  return best;
}

import type { Plan } from '../../checks/plan.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { GateScope } from './enforcer.ts';

/**
 * Names that only the CCP of this desk's instance uses, and AWS's prefixes for its media. Pure. Of hosts that AWS documents as
 * a wildcard only those are known that the policy names.
 */
export function gateScope(plan: Plan, allowlist: Allowlist): GateScope {
  const hostsFor = (purpose: string) => [
    ...new Set([
      ...plan.endpoints.filter((one) => one.purpose === purpose).map(({ host }) => host),
      ...namedHosts(purpose, plan, allowlist),
    ]),
  ];
  const prefixesOf = (service: string) => (allowlist.prefixes[service] ?? []).flatMap(({ v4, v6 }) => [...v4, ...v6]);
  return {
    ccpHosts: hostsFor('ccp'),
    transportHosts: hostsFor('signalling'),
    mediaPrefixes: prefixesOf('AMAZON_CONNECT'),
    sharedPrefixes: prefixesOf('CLOUDFRONT'),
  };
}

/** Also those that nothing needs to reach: an older address serves the same CCP. */
function namedHosts(purpose: string, { instance }: Plan, { rows, regions }: Allowlist): string[] {
  const { alias, region } = instance;
  const values: Record<string, string | undefined> = { alias, region, instanceDomain: regions[region]?.instanceDomain };
  return rows
    .filter((row) => row.purpose === purpose)
    .map(({ pattern }) => pattern.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole))
    .filter((host) => !/[*{[]/.test(host));
}

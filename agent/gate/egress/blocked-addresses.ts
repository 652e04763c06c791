import { buildPrefixTable } from '../../../checks/network/prefix-table.ts';
import type { EnforcerNote } from '../../../contracts/enforcer.ts';
import type { GateScope } from '../enforcer.ts';
import { WEB_SETS } from './block-rules.ts';
import type { HostAddresses } from './host-addresses.ts';
import { formatValue, type Interval, merge, toIntervals } from './intervals.ts';
import type { TableReading } from './table-reading.ts';

export interface WebBlock {
  ipv4_addr: Interval[];
  ipv6_addr: Interval[];
  /** What of the hosts cannot be blocked. */
  notes: EnforcerNote[];
}

/**
 * Addresses of the hosts, but for those that other sites share. `left`: what a table of ours had before this process, which
 * counts until each host has an address of its own, so that a restart while no name server answers opens nothing.
 */
export function chooseWebBlock(scope: GateScope, known: Pick<HostAddresses, 'of' | 'isNowhere'>, left: TableReading | null): WebBlock {
  const shared = buildPrefixTable(scope.sharedPrefixes);
  const notes: EnforcerNote[] = [];
  const addresses: string[] = [];
  const hosts = hostsOf(scope);
  for (const host of hosts) {
    const all = known.of(host);
    const own = all.filter((address) => !shared.has(address));
    addresses.push(...own);
    if (all.length === 0 && !known.isNowhere(host)) notes.push({ code: 'no-address', detail: host });
    else if (own.length < all.length) notes.push({ code: 'shared-address', detail: host });
  }
  if (hosts.length === 0) notes.push({ code: 'no-host', detail: '' });
  // An older address of the instance may not exist; that none does is no reason to believe that nothing is to be blocked.
  else if (hosts.every((host) => known.isNowhere(host))) notes.push({ code: 'no-address', detail: hosts.join(', ') });
  const isWanting = notes.some(({ code }) => code === 'no-address');
  const block = (type: 'ipv4_addr' | 'ipv6_addr') => {
    const before = (isWanting && left?.elements(WEB_SETS[type], type)) || [];
    const kept = before.filter(({ first, last }) => [first, last].every((end) => !shared.has(formatValue(type, end))));
    return merge([...toIntervals(type, addresses), ...kept]);
  };
  return { ipv4_addr: block('ipv4_addr'), ipv6_addr: block('ipv6_addr'), notes };
}

export function hostsOf({ ccpHosts, transportHosts }: GateScope): string[] {
  return [...new Set([...ccpHosts, ...transportHosts])];
}

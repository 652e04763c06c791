import { type Interval, toIntervals } from './intervals.ts';
import type { TableWish } from './table-script.ts';

export const EGRESS_TABLE = 'deskwarden';

/** Sets of the hosts' addresses, by the family of IP. */
export const WEB_SETS = { ipv4_addr: 'web4', ipv6_addr: 'web6' } as const;

export interface Blocked {
  /** Never root. */
  uids: readonly number[];
  web: { ipv4_addr: readonly Interval[]; ipv6_addr: readonly Interval[] };
  mediaPrefixes: readonly string[];
}

/** Ahead of address translation (-100): a local proxy that packets are redirected to does not hide where they were bound for. */
const PRIORITY = -150;

/**
 * Every packet of an open connection passes here too, so each is ended by the next thing it sends, be it an acknowledgement.
 * A packet without a socket, as the kernel's own resets, is nobody's, and passes. UDP 443 is HTTP/3.
 */
export function blockRules({ uids, web, mediaPrefixes }: Blocked): TableWish {
  const each = (rule: (ip: 'ip' | 'ip6', version: 4 | 6) => string) => [rule('ip', 4), rule('ip6', 6)];
  return {
    counters: ['web', 'media'],
    sets: [
      { name: 'agents', type: 'uid', elements: toIntervals('uid', uids.map(String)) },
      { name: WEB_SETS.ipv4_addr, type: 'ipv4_addr', elements: web.ipv4_addr },
      { name: WEB_SETS.ipv6_addr, type: 'ipv6_addr', elements: web.ipv6_addr },
      { name: 'media4', type: 'ipv4_addr', elements: toIntervals('ipv4_addr', mediaPrefixes) },
      { name: 'media6', type: 'ipv6_addr', elements: toIntervals('ipv6_addr', mediaPrefixes) },
    ],
    dynamicSets: [],
    chains: [
      {
        name: 'out',
        hook: 'output',
        priority: PRIORITY,
        rules: [
          ...each((ip, n) => `meta skuid @agents ${ip} daddr @web${n} tcp dport 443 counter name web reject with tcp reset`),
          ...each((ip, n) => `meta skuid @agents ${ip} daddr @web${n} udp dport 443 counter name web drop`),
          ...each((ip, n) => `meta skuid @agents ${ip} daddr @media${n} udp dport 3478 counter name media drop`),
        ],
      },
    ],
  };
}

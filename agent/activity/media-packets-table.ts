import { toIntervals } from '../gate/egress/intervals.ts';
import type { TableWish } from '../gate/egress/table-script.ts';

export const ACTIVITY_TABLE = 'deskwarden_activity';

/** After filters (0) and what the gate drops: only what really leaves or reaches the user's program is counted. */
const PRIORITY = 50;
/** A call sends at least every few seconds. */
const FLOW_KEPT_S = 60;
/** A user who opens more is not counted in full, which reads as unknown. */
const MOST_FLOWS = 1_024;

/**
 * Counts packets between users and UDP 3478 of the media prefixes, and never judges one. An incoming packet has no user yet
 * (only connected sockets are looked up that early), so what a user sent from opens a flow, and answers to it are counted.
 * Without users, everybody's but root's: root's are this program's own probes.
 */
export function countRules(uids: readonly number[], prefixes: readonly string[]): TableWish {
  const who = uids.length > 0 ? 'meta skuid @agents' : 'meta skuid != 0';
  const families = [
    { ip: 'ip', n: 4, type: 'ipv4_addr' },
    { ip: 'ip6', n: 6, type: 'ipv6_addr' },
  ] as const;
  return {
    counters: ['out', 'in'],
    sets: [
      ...(uids.length > 0 ? [{ name: 'agents', type: 'uid' as const, elements: toIntervals('uid', uids.map(String)) }] : []),
      ...families.map(({ n, type }) => ({ name: `media${n}`, type, elements: toIntervals(type, prefixes) })),
    ],
    dynamicSets: families.map(
      ({ n, type }) => `flows${n} { type ${type} . inet_service; size ${MOST_FLOWS}; flags dynamic,timeout; timeout ${FLOW_KEPT_S}s;\n  }`,
    ),
    chains: [
      {
        name: 'sent',
        hook: 'output',
        priority: PRIORITY,
        rules: families.map(
          ({ ip, n }) => `${who} ${ip} daddr @media${n} udp dport 3478 counter name out update @flows${n} { ${ip} daddr . udp sport }`,
        ),
      },
      {
        name: 'received',
        hook: 'input',
        priority: PRIORITY,
        rules: families.map(({ ip, n }) => `udp sport 3478 ${ip} saddr . udp dport @flows${n} counter name in`),
      },
    ],
  };
}

import { isIPv4, isIPv6 } from 'node:net';

/** The bits of an IPv6 address that one customer or one computer has for itself. */
const IPV6_GROUPS_KEPT = 4;

/** As PostgreSQL's `inet` and the deny list take it: IPv4 inside of IPv6 is IPv4, and no zone. Null for what is no address. */
export function plainAddress(address: string): string | null {
  const [bare = ''] = address.split('%');
  const inner = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare;
  return isIPv4(inner) || isIPv6(inner) ? inner.toLowerCase() : null;
}

/** Whom an address stands for when calls are counted: an IPv4 address, or the /64 of an IPv6 one. */
export function countedAs(address: string): string {
  const plain = plainAddress(address);
  if (plain === null) return 'unknown';
  if (isIPv4(plain)) return plain;
  return `${groupsOf(plain).slice(0, IPV6_GROUPS_KEPT).join(':')}::/64`;
}

function groupsOf(ipv6: string): string[] {
  const [head = '', tail = ''] = ipv6.split('::');
  const left = head === '' ? [] : head.split(':');
  // An IPv4 address at the end stands for two groups; only what lies before it matters here.
  const right = tail === '' ? [] : tail.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
  const zeros = ipv6.includes('::') ? Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0') : [];
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16));
}

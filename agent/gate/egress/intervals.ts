import { parseV4, parseV6Into } from '../../../checks/network/address.ts';

/** Types of set elements, in nftables' words. */
export type ElementType = 'uid' | 'ipv4_addr' | 'ipv6_addr';

/** Both ends included. */
export interface Interval {
  first: bigint;
  last: bigint;
}

const bitsOf: Record<ElementType, number> = { uid: 32, ipv4_addr: 32, ipv6_addr: 128 };

/** Sorted, disjoint and not adjacent; of equal sets the same. What is not of the type is left out. */
export function toIntervals(type: ElementType, texts: readonly string[]): Interval[] {
  return merge(texts.flatMap((text) => parseInterval(type, text) ?? []));
}

/** One value, a prefix in CIDR notation, or two values with `-` between them; null for anything else. */
export function parseInterval(type: ElementType, text: string): Interval | null {
  const [start = '', end, more] = text.split(/[-/]/);
  const first = parseValue(type, start);
  if (first === null || more !== undefined) return null;
  if (end === undefined) return { first, last: first };
  if (text.includes('/')) return prefixInterval(bitsOf[type], first, end);
  const last = parseValue(type, end);
  return last === null || last < first ? null : { first, last };
}

function prefixInterval(bits: number, address: bigint, digits: string): Interval | null {
  const fixed = /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(fixed <= bits)) return null;
  const size = 1n << BigInt(bits - fixed);
  const first = address - (address % size);
  return { first, last: first + size - 1n };
}

function parseValue(type: ElementType, text: string): bigint | null {
  if (type === 'uid') return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? BigInt(text) : null;
  if (type === 'ipv4_addr') {
    const value = parseV4(text);
    return value === null ? null : BigInt(value);
  }
  const groups = new Uint16Array(8);
  return parseV6Into(groups, text) ? groups.reduce((value, group) => (value << 16n) + BigInt(group), 0n) : null;
}

export function merge(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const end = merged.at(-1);
    if (!end || next.first > end.last + 1n) merged.push({ ...next });
    else if (next.last > end.last) end.last = next.last;
  }
  return merged;
}

/** As nft reads it: a value, or two with `-` between them. */
export function formatInterval(type: ElementType, { first, last }: Interval): string {
  const start = formatValue(type, first);
  return first === last ? start : `${start}-${formatValue(type, last)}`;
}

export function formatValue(type: ElementType, value: bigint): string {
  if (type === 'uid') return value.toString();
  const [count, bits] = type === 'ipv4_addr' ? [4, 8n] : [8, 16n];
  const parts = Array.from({ length: count }, (_, i) => (value >> (BigInt(count - 1 - i) * bits)) & ((1n << bits) - 1n));
  return type === 'ipv4_addr' ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
}

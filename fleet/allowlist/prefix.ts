import { looksLikeV6, parseV4, parseV6Into } from '../../checks/network/address.ts';

/** A CIDR prefix as its first address and length. */
export interface Prefix {
  family: 4 | 6;
  first: bigint;
  length: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Null for what is not CIDR notation, and for a prefix with bits set behind its length: nobody knows which was meant. */
export function readPrefix(text: string): Prefix | null {
  const [address = '', digits = '', ...more] = text.split('/');
  if (more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(digits)) return null;
  const family = looksLikeV6(address) ? 6 : 4;
  const length = Number(digits);
  const first = family === 6 ? valueOfV6(address) : toBigInt(parseV4(address));
  if (first === null || length > BITS[family]) return null;
  const size = sizeOf({ family, length });
  return first % size === 0n ? { family, first, length } : null;
}

export function writePrefix({ family, first, length }: Prefix): string {
  return `${family === 4 ? writeV4(first) : writeV6(first)}/${length}`;
}

function sizeOf({ family, length }: Pick<Prefix, 'family' | 'length'>): bigint {
  return 1n << BigInt(BITS[family] - length);
}

/** By address, and the wider first. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.length - b.length;
}

/** The fewest prefixes of one family that hold the same addresses, sorted. */
export function foldPrefixes(prefixes: readonly Prefix[]): Prefix[] {
  const folded: Prefix[] = [];
  for (const next of [...prefixes].sort(comparePrefixes)) {
    const last = folded.at(-1);
    if (last && last.family === next.family && next.first < last.first + sizeOf(last)) continue;
    folded.push(next);
    joinLast(folded);
  }
  return folded;
}

/** Two halves of one prefix become that prefix, as often as that gives another two. */
function joinLast(folded: Prefix[]): void {
  for (let right = folded.pop(); right; right = folded.pop()) {
    const left = folded.at(-1);
    const isPair =
      left !== undefined &&
      left.family === right.family &&
      left.length === right.length &&
      left.first + sizeOf(left) === right.first &&
      left.first % (sizeOf(left) * 2n) === 0n;
    if (!isPair) {
      folded.push(right);
      return;
    }
    folded.pop();
    folded.push({ ...left, length: left.length - 1 });
  }
}

/** Of folded prefixes. */
export function addressesOf(prefixes: readonly Prefix[]): bigint {
  return prefixes.reduce((sum, prefix) => sum + sizeOf(prefix), 0n);
}

const groups = new Uint16Array(8);

function valueOfV6(address: string): bigint | null {
  // A zone, or an IPv4 address inside, has no place in a prefix.
  if (/[%.]/.test(address) || !parseV6Into(groups, address)) return null;
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function toBigInt(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}

function writeV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}

/** RFC 5952: the longest run of two or more zero groups is left out, the first of equally long ones. */
function writeV6(value: bigint): string {
  const all = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - index * 16)) & 0xffffn));
  let from = -1;
  let longest = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && all[end] === 0) end++;
    if (end - start > longest) {
      from = start;
      longest = end - start;
    }
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  return from < 0 ? text(all) : `${text(all.slice(0, from))}::${text(all.slice(from + longest))}`;
}

import { looksLikeV6, parseV4, parseV6Into } from './address.ts';

/** Membership in a large set of IPv4 and IPv6 prefixes: binary search over merged, sorted intervals. */
export interface PrefixTable {
  /** False for what is not an address. */
  has(address: string): boolean;
  readonly intervals: number;
}

/** Throws on a prefix that is not CIDR notation. */
export function buildPrefixTable(prefixes: readonly string[]): PrefixTable {
  const v4 = buildIntervals(
    prefixes.filter((prefix) => !looksLikeV6(prefix)),
    familyV4,
  );
  const v6 = buildIntervals(
    prefixes.filter((prefix) => looksLikeV6(prefix)),
    familyV6,
  );
  return {
    intervals: v4.count + v6.count,
    has: (address) => (looksLikeV6(address) ? contains(v6, address) : contains(v4, address)),
  };
}

/** How an address becomes numbers that compare in order: words of at most 48 bits, most significant first. */
interface Family {
  wordBits: readonly number[];
  /** Writes the words, and returns false for what is not an address of the family. */
  read(words: Float64Array, address: string): boolean;
}

const familyV4: Family = {
  wordBits: [32],
  read(words, address) {
    const value = parseV4(address);
    if (value === null) return false;
    words[0] = value;
    return true;
  },
};

const groups = new Uint16Array(8);
const familyV6: Family = {
  wordBits: [48, 48, 32],
  read(words, address) {
    if (!parseV6Into(groups, address)) return false;
    words[0] = group(0) * 2 ** 32 + group(1) * 2 ** 16 + group(2);
    words[1] = group(3) * 2 ** 32 + group(4) * 2 ** 16 + group(5);
    words[2] = group(6) * 2 ** 16 + group(7);
    return true;
  },
};
const group = (index: number) => groups[index] as number;

/** First and last address of each interval, `stride` words apiece, one after the other. */
interface Intervals {
  family: Family;
  stride: number;
  count: number;
  first: Float64Array;
  last: Float64Array;
  /** The most significant word of each `first`, close together: it decides nearly every step of a search. */
  tops: Float64Array;
  /** Scratch for the address that is looked up. */
  sought: Float64Array;
}

function buildIntervals(prefixes: readonly string[], family: Family): Intervals {
  const stride = family.wordBits.length;
  const first = new Float64Array(prefixes.length * stride);
  const last = new Float64Array(prefixes.length * stride);
  const sought = new Float64Array(stride);
  for (let i = 0; i < prefixes.length; i++) writeInterval(prefixes[i] as string, family, sought, first, last, i * stride);

  const order = Uint32Array.from(prefixes, (_, i) => i * stride).sort((a, b) => compare(first, a, first, b, stride));
  const merged: Intervals = {
    family,
    stride,
    count: 0,
    first: new Float64Array(first.length),
    last: new Float64Array(last.length),
    tops: new Float64Array(0),
    sought,
  };
  for (const from of order) {
    const end = (merged.count - 1) * stride;
    if (merged.count > 0 && compare(first, from, merged.last, end, stride) <= 0) {
      if (compare(last, from, merged.last, end, stride) > 0) copy(last, from, merged.last, end, stride);
    } else {
      copy(first, from, merged.first, end + stride, stride);
      copy(last, from, merged.last, end + stride, stride);
      merged.count++;
    }
  }
  merged.tops = Float64Array.from({ length: merged.count }, (_, i) => merged.first[i * stride] as number);
  return merged;
}

function writeInterval(prefix: string, family: Family, words: Float64Array, first: Float64Array, last: Float64Array, at: number): void {
  const slash = prefix.lastIndexOf('/');
  const digits = prefix.slice(slash + 1);
  let fixed = /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  const total = family.wordBits.reduce((sum, bits) => sum + bits, 0);
  if (slash < 0 || !(fixed <= total) || !family.read(words, prefix.slice(0, slash))) {
    throw new Error(`not a prefix in CIDR notation: ${prefix}`);
  }
  for (let i = 0; i < family.wordBits.length; i++) {
    const bits = family.wordBits[i] as number;
    const size = 2 ** (bits - Math.min(fixed, bits));
    const word = words[i] as number;
    first[at + i] = word - (word % size);
    last[at + i] = word - (word % size) + size - 1;
    fixed = Math.max(0, fixed - bits);
  }
}

function contains({ family, stride, count, first, last, tops, sought }: Intervals, address: string): boolean {
  if (!family.read(sought, address)) return false;
  const top = sought[0] as number;
  let from = 0;
  let to = count - 1;
  while (from <= to) {
    const middle = (from + to) >>> 1;
    const start = tops[middle] as number;
    // A call for each step would cost more than the step.
    if (start < top || (start === top && compare(first, middle * stride, sought, 0, stride) <= 0)) from = middle + 1;
    else to = middle - 1;
  }
  return to >= 0 && compare(last, to * stride, sought, 0, stride) >= 0;
}

function compare(a: Float64Array, atA: number, b: Float64Array, atB: number, stride: number): number {
  for (let i = 0; i < stride; i++) {
    const difference = (a[atA + i] as number) - (b[atB + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function copy(from: Float64Array, atFrom: number, to: Float64Array, atTo: number, stride: number): void {
  for (let i = 0; i < stride; i++) to[atTo + i] = from[atFrom + i] as number;
}

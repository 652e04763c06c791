import { z } from 'zod';
import { type ElementType, type Interval, merge, parseInterval } from './intervals.ts';
import type { TableWish } from './table-script.ts';

const Element = z.union([
  z.string(),
  z.int().transform(String),
  z.object({ prefix: z.object({ addr: z.string(), len: z.int() }) }).transform(({ prefix }) => `${prefix.addr}/${prefix.len}`),
  z.object({ range: z.tuple([z.union([z.string(), z.int()]), z.union([z.string(), z.int()])]) }).transform(({ range }) => range.join('-')),
]);

/** Loose: what a newer nft adds shows in the frame. */
const Listing = z.object({ nftables: z.array(z.record(z.string(), z.looseObject({}))).max(5_000) });
const Tables = z.object({ nftables: z.array(z.object({ table: z.object({ family: z.string(), name: z.string() }).optional() })) });
const Counter = z.object({ name: z.string(), packets: z.number() });
const NamedSet = z.object({ name: z.string(), elem: z.array(z.unknown()).optional() });

export interface TableReading {
  /** The table without elements and counts, in nft's words: to compare with another reading of the same kernel. */
  frame: string;
  chains: number;
  rules: number;
  /** Null where an element is none of the type, or the set is not there. */
  elements(set: string, type: ElementType): Interval[] | null;
  counters: ReadonlyMap<string, number>;
}

/** Reads `nft -j list table`; null for what is no such listing. */
export function readTable(text: string): TableReading | null {
  const listing = Listing.safeParse(parseJson(text));
  if (!listing.success) return null;
  const of = (kind: string) => listing.data.nftables.flatMap((one): Record<string, unknown>[] => (one[kind] ? [one[kind]] : []));
  const counters = z.array(Counter).safeParse(of('counter'));
  const sets = z.array(NamedSet).safeParse(of('set'));
  if (!counters.success || !sets.success) return null;
  const bare = (kind: string) => of(kind).map(({ handle, elem, packets, bytes, ...rest }) => JSON.stringify([kind, rest]));
  return {
    // The order of rules has a meaning, that of the others has none.
    frame: [...['table', 'counter', 'set', 'chain'].flatMap(bare).sort(), ...bare('rule')].join('\n'),
    chains: of('chain').length,
    rules: of('rule').length,
    elements(name, type) {
      const found = sets.data.find((set) => set.name === name);
      const texts = z.array(Element).safeParse(found?.elem ?? []);
      if (!found || !texts.success) return null;
      const intervals = texts.data.map((one) => parseInterval(type, one));
      return intervals.every((one) => one !== null) ? merge(intervals) : null;
    },
    counters: new Map(counters.data.map(({ name, packets }) => [name, packets])),
  };
}

/** Whether it has all that was wished for. Rules are counted: nft tells them in words of its own. */
export function hasAll(reading: TableReading, wish: TableWish): boolean {
  return (
    reading.chains === wish.chains.length &&
    reading.rules === wish.chains.reduce((sum, chain) => sum + chain.rules.length, 0) &&
    wish.counters.every((name) => reading.counters.has(name)) &&
    wish.sets.every(({ name, type, elements }) => isSame(reading.elements(name, type), elements))
  );
}

function isSame(found: readonly Interval[] | null, wanted: readonly Interval[]): boolean {
  return found?.length === wanted.length && wanted.every(({ first, last }, i) => found[i]?.first === first && found[i]?.last === last);
}

/** Whether `nft -j list tables` names the table; null for what is no such listing. */
export function namesTable(text: string, name: string): boolean | null {
  const tables = Tables.safeParse(parseJson(text));
  return tables.success ? tables.data.nftables.some(({ table }) => table?.family === 'inet' && table.name === name) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import { BlockList } from 'node:net';
import { bundledAllowlist } from '../../checks/allowlist/bundled.ts';
import { buildPrefixTable } from '../../checks/network/prefix-table.ts';
import { median, nanosecondsPerCall, type Row, ratio } from './measure.ts';

/** Entries of ip-ranges.json of 2026-08-22 before folding. Every one of them is also listed under AMAZON, the table that ships. */
const WHOLE_TABLE = { v4: 10_668, v6: 6_160 };
const LOOKUP_BUDGET_NS = 200;
const BUILD_BUDGET_MS = 20;
const QUERIES = 4_096;

export async function prefixBench(): Promise<Row[]> {
  const amazon = (bundledAllowlist.prefixes.AMAZON ?? []).flatMap((set) => [...set.v4, ...set.v6]);
  const unfolded = compare('as many random ones as the file has entries', wholeTable()).map((row) => ({ ...row, budget: '-', met: null }));
  return [...compare('the whole AWS table as bundled', amazon), ...unfolded];
}

function compare(name: string, prefixes: readonly string[]): Row[] {
  const builds = Array.from({ length: 7 }, () => time(() => buildPrefixTable(prefixes)));
  const table = buildPrefixTable(prefixes);
  const blockListBuilds = Array.from({ length: 3 }, () => time(() => buildBlockList(prefixes)));
  const blockList = buildBlockList(prefixes);
  const rows: Row[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const queries = queriesOf(family, prefixes);
    let hits = 0;
    const ours = nanosecondsPerCall(40, QUERIES, () => {
      for (const query of queries) if (table.has(query)) hits++;
    });
    const few = queries.slice(0, 128);
    const theirs = nanosecondsPerCall(5, few.length, () => {
      for (const query of few) if (blockList.check(query, family)) hits++;
    });
    if (hits === 0) throw new Error('no query hit the table');
    rows.push({
      what: `${family} lookup, ${name} (${prefixes.length})`,
      measured: `${ours.toFixed(0)} ns`,
      baseline: `net.BlockList ${(theirs / 1_000).toFixed(1)} us (${ratio(ours, theirs)})`,
      budget: `${LOOKUP_BUDGET_NS} ns`,
      met: ours <= LOOKUP_BUDGET_NS,
    });
  }
  const [build, theirs] = [median(builds), median(blockListBuilds)];
  rows.push({
    what: `build, ${name} (${prefixes.length})`,
    measured: `${build.toFixed(1)} ms (first ${builds[0]?.toFixed(1)} ms)`,
    baseline: `net.BlockList ${theirs.toFixed(1)} ms (${ratio(build, theirs)})`,
    budget: `${BUILD_BUDGET_MS} ms`,
    met: build <= BUILD_BUDGET_MS,
  });
  return rows;
}

function time(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function buildBlockList(prefixes: readonly string[]): BlockList {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [address = '', bits] = prefix.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Half inside a prefix, half anywhere. */
function queriesOf(family: 'ipv4' | 'ipv6', prefixes: readonly string[]): string[] {
  const random = seeded(7);
  const own = prefixes.filter((prefix) => prefix.includes(':') === (family === 'ipv6'));
  return Array.from({ length: QUERIES }, (_, i) => {
    const inside = own[random() % own.length]?.split('/')[0] ?? '';
    return i % 2 === 0 ? inside : family === 'ipv4' ? v4(random()) : v6(random(), random());
  });
}

function wholeTable(): string[] {
  const random = seeded(42);
  return [
    ...Array.from({ length: WHOLE_TABLE.v4 }, () => `${v4(random())}/${16 + (random() % 17)}`),
    ...Array.from({ length: WHOLE_TABLE.v6 }, () => `${v6(random(), random())}/${32 + (random() % 33)}`),
  ];
}

const v4 = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const v6 = (a: number, b: number) =>
  `2600:${(a >>> 16).toString(16)}:${(a & 0xffff).toString(16)}:${(b >>> 16).toString(16)}::${(b & 0xffff).toString(16)}`;

/** xorshift32: the same table every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

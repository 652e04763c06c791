import type { Ranges } from './ip-ranges.ts';
import { addressesOf, foldPrefixes, readPrefix } from './prefix.ts';

/** AWS's own file never lost so much from one version to the next in its history since 2017. */
const MOST_LOST = 0.25;
/** Of a few prefixes one or two may go: AMAZON_CONNECT lost one of its two IPv6 prefixes in a day. */
const FEW = 3;
/** The whole of Amazon's addresses; its prefixes are folded, so that their number says little. */
const MOST_OF_AMAZON_LOST = 0.1;

/** Says what a feed has lost that AWS would hardly take away at once; null for nothing. */
export function lossOf(before: Ranges['sets'], after: Ranges['sets']): string | null {
  for (const [service, sets] of Object.entries(before)) {
    for (const family of ['v4', 'v6'] as const) {
      const [old, now] = [sets, after[service] ?? []].map((list) => list.flatMap((set) => set[family]));
      const loss = service === 'AMAZON' ? ofAddresses(old ?? [], now ?? []) : ofPrefixes(old ?? [], now ?? []);
      if (loss) return `${service} ${family === 'v4' ? 'IPv4' : 'IPv6'}: ${loss}`;
    }
  }
  return null;
}

function ofPrefixes(old: readonly string[], now: readonly string[]): string | null {
  const left = new Set(now);
  const lost = old.filter((prefix) => !left.has(prefix)).length;
  const isMuch = (lost > FEW && lost > old.length * MOST_LOST) || (old.length > 0 && now.length === 0);
  return isMuch ? `${lost} of ${old.length} prefixes gone` : null;
}

function ofAddresses(old: readonly string[], now: readonly string[]): string | null {
  const [before, after] = [old, now].map((list) => Number(addressesOf(foldPrefixes(list.flatMap((text) => readPrefix(text) ?? [])))));
  if (before === undefined || after === undefined || before === 0) return null;
  const lost = (before - after) / before;
  return lost > MOST_OF_AMAZON_LOST ? `${Math.round(lost * 100)} % of the addresses gone` : null;
}

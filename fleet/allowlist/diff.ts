import { isDeepStrictEqual } from 'node:util';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { AddedPrefix, AllowlistDiff } from '../../contracts/console/allowlist.ts';
import { type Change, changesBetween, keyOf, relevantRegions, relevantSets } from './changes.ts';
import { publishedAt } from './ip-ranges.ts';
import type { FeedState } from './settle.ts';

/** From AWS's publication of a prefix to its use, at least (administrator guide, ccp-networking). */
const NOTICE_MS = 30 * 24 * 60 * 60_000;

/** What an instance's network has to follow, from one list to the next. */
export function diffOf(before: Allowlist, after: Allowlist, region: string, recent: FeedState['recent']): AllowlistDiff {
  const regions = relevantRegions(region, after);
  const changes = changesBetween(relevantSets(before.prefixes, regions), relevantSets(after.prefixes, regions));
  const times = new Map(recent.map((one) => [keyOf(one), one]));
  const plain = ({ service, region: where, prefix }: Change) => ({ service, region: where, prefix });
  return {
    base: { revision: before.revision, syncToken: before.ipRanges.syncToken },
    added: changes.filter(({ op }) => op === 'added').map((one) => ({ ...plain(one), ...timesOf(times.get(keyOf(one)), before, after) })),
    removed: changes.filter(({ op }) => op === 'removed').map(plain),
    introduced: Object.keys(after.prefixes).filter((service) => !before.prefixes[service]),
    rows: rowsOf(before, after),
    hosts: hostsOf(before, after),
  };
}

/** When the first of what came may carry traffic; null: nothing came. */
export function dueAt({ added }: Pick<AllowlistDiff, 'added'>): string | null {
  return added.map((one) => one.dueAt).sort()[0] ?? null;
}

/** Whether AWS may use some of it already: it was published after the last look before, and nobody knows when. */
export function mayBeInUse({ added }: Pick<AllowlistDiff, 'added'>, now: Date): boolean {
  return added.some((one) => Date.parse(one.publishedAfter) + NOTICE_MS <= now.getTime());
}

function timesOf(
  known: FeedState['recent'][number] | undefined,
  before: Allowlist,
  after: Allowlist,
): Pick<AddedPrefix, 'publishedAt' | 'publishedAfter' | 'dueAt'> {
  const published = known?.publishedAt ?? publishedAt(after.ipRanges).toISOString();
  const publishedAfter = known?.publishedAfter ?? publishedAt(before.ipRanges).toISOString();
  return { publishedAt: published, publishedAfter, dueAt: new Date(Date.parse(published) + NOTICE_MS).toISOString() };
}

function rowsOf(before: Allowlist, after: Allowlist): AllowlistDiff['rows'] {
  const [old, now] = [before, after].map((list) => new Map(list.rows.map((row) => [row.id, row])));
  if (!old || !now) throw new Error('two lists make two maps');
  const both = [...now].filter(([id]) => old.has(id));
  return {
    added: [...now.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !now.has(id)),
    changed: both.filter(([id, row]) => !isDeepStrictEqual(row, old.get(id))).map(([id]) => id),
  };
}

/** Concrete hosts of every Region, with their purpose: an agent may sit in any. */
function hostsOf(before: Allowlist, after: Allowlist): AllowlistDiff['hosts'] {
  const [old, now] = [before, after].map((list) => new Set(Object.values(list.regions).flatMap(hostsOfRegion)));
  if (!old || !now) throw new Error('two lists make two sets');
  return { added: [...now].filter((host) => !old.has(host)).sort(), removed: [...old].filter((host) => !now.has(host)).sort() };
}

function hostsOfRegion({ turn, static: assets, staticNonSaml, scheduling, samlSignin }: Allowlist['regions'][string]): string[] {
  return [...turn.map(({ host }) => host), ...assets, ...staticNonSaml, ...scheduling, ...samlSignin];
}

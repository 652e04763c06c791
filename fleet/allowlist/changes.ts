import type { Allowlist, PrefixSet } from '../../contracts/allowlist.ts';
import type { Ranges, TrackedService } from './ip-ranges.ts';
import { comparePrefixes, readPrefix, writePrefix } from './prefix.ts';

/** One prefix that came or went. */
export interface Change {
  op: 'added' | 'removed';
  service: string;
  region: string;
  prefix: string;
}

type Sets = Ranges['sets'];

export function keyOf({ op, service, region, prefix }: Change): string {
  return `${op} ${service} ${region} ${prefix}`;
}

/**
 * What came and went, by service, Region and address. A service that `before` lacks altogether was not looked at then, and
 * counts as no change. `AMAZON` changes every few hours, and only says whose an address is.
 */
export function changesBetween(before: Sets, after: Sets): Change[] {
  return Object.keys(before)
    .filter((service) => service !== 'AMAZON')
    .flatMap((service) => {
      const [old, now] = [membersOf(before[service]), membersOf(after[service])];
      const missingFrom = (one: Map<string, Member>, other: Map<string, Member>, op: Change['op']) =>
        [...one].filter(([key]) => !other.has(key)).map(([, member]) => ({ op, service, ...member }));
      return [...missingFrom(now, old, 'added'), ...missingFrom(old, now, 'removed')];
    })
    .sort(compareChanges);
}

/** The sets with one change made; its service must be among them. */
export function withChanges(sets: Sets, changes: readonly Change[]): Sets {
  const changed: Record<string, readonly PrefixSet[]> = { ...sets };
  for (const service of new Set(changes.map((change) => change.service))) {
    const members = membersOf(changed[service]);
    for (const { op, region, prefix } of changes.filter((change) => change.service === service)) {
      if (op === 'added') members.set(`${region} ${prefix}`, { region, prefix });
      else members.delete(`${region} ${prefix}`);
    }
    changed[service] = toSets([...members.values()]);
  }
  return changed;
}

/** Services and Regions that a desk of an instance needs when its firewall goes by address; `null`: of every Region. */
export function relevantRegions(region: string, allowlist: Pick<Allowlist, 'resiliencyPairs'>): Record<TrackedService, string[] | null> {
  const pair = allowlist.resiliencyPairs.find((regions) => regions.includes(region)) ?? [region];
  const own = [...new Set(['GLOBAL', region, ...pair])];
  return {
    AMAZON_CONNECT: own,
    EC2: own,
    // Sign-in without SAML loads from the first two, wherever the instance is.
    S3: [...new Set(['us-east-1', 'us-west-2', region, ...pair])],
    CLOUDFRONT: null,
    CHIME_MEETINGS: null,
  };
}

/** The sets of an instance's own Regions alone. */
export function relevantSets(sets: Sets, regions: Record<TrackedService, string[] | null>): Sets {
  return Object.fromEntries(
    Object.entries(regions).flatMap(([service, wanted]) => {
      const all = sets[service];
      return all ? [[service, wanted === null ? all : all.filter((set) => wanted.includes(set.region))]] : [];
    }),
  );
}

interface Member {
  region: string;
  prefix: string;
}

function membersOf(sets: readonly PrefixSet[] = []): Map<string, Member> {
  return new Map(
    sets.flatMap(({ region, v4, v6 }) => [...v4, ...v6].map((prefix): [string, Member] => [`${region} ${prefix}`, { region, prefix }])),
  );
}

function toSets(members: readonly Member[]): PrefixSet[] {
  return [...new Set(members.map((member) => member.region))].sort().map((region) => {
    const own = members
      .filter((member) => member.region === region)
      .flatMap(({ prefix }) => readPrefix(prefix) ?? [])
      .sort(comparePrefixes);
    const of = (family: 4 | 6) => own.filter((prefix) => prefix.family === family).map(writePrefix);
    return { region, v4: of(4), v6: of(6) };
  });
}

function byAddress(a: string, b: string): number {
  const [one, other] = [readPrefix(a), readPrefix(b)];
  return one && other ? comparePrefixes(one, other) : 0;
}

function compareChanges(a: Change, b: Change): number {
  return a.service.localeCompare(b.service, 'en') || a.region.localeCompare(b.region, 'en') || byAddress(a.prefix, b.prefix);
}

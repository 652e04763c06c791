import { z } from 'zod';
import type { PrefixSet } from '../../contracts/allowlist.ts';
import { FeedFault } from './feed-fault.ts';
import { comparePrefixes, foldPrefixes, type Prefix, readPrefix, writePrefix } from './prefix.ts';

/** Services of ip-ranges.json whose changes matter to a Connect workstation (docs: connect, "IP address ranges"). */
export const TRACKED_SERVICES = ['AMAZON_CONNECT', 'CHIME_MEETINGS', 'CLOUDFRONT', 'EC2', 'S3'] as const;
export type TrackedService = (typeof TRACKED_SERVICES)[number];

/** What is kept of one ip-ranges.json. Sets are sorted by Region, their prefixes by address; each prefix stands once. */
export interface Ranges {
  syncToken: string;
  createDate: string;
  /** `AMAZON`, which holds every other service, is folded into one set `*`; of `CLOUDFRONT` all Regions are wanted: `*` too. */
  sets: Readonly<Record<string, readonly PrefixSet[]>>;
}

/** Regions of these are folded together: a workstation needs all of them. */
const REGIONLESS: readonly string[] = ['AMAZON', 'CLOUDFRONT'];

/** AWS's widest are /11 and /32; wider ones would make addresses of strangers count as Amazon's. */
const WIDEST = { 4: 8, 6: 20 } as const;

const File = z.object({
  syncToken: z.string().regex(/^[1-9]\d{8,11}$/, 'expected seconds since 1970 as text'),
  createDate: z.string().regex(/^\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d$/, 'expected YYYY-MM-DD-hh-mm-ss'),
  prefixes: z.array(z.unknown()).min(1).max(200_000),
  ipv6_prefixes: z.array(z.unknown()).min(1).max(200_000),
});

const name = z.string().regex(/^[A-Za-z0-9_-]{1,60}$/);
const Labels = z.object({ region: name, service: name });

/**
 * Reads AWS's ip-ranges.json. Open to what AWS may add (keys, services, Regions), strict in what is used: one prefix that
 * cannot be read, and the whole file is refused with its place.
 */
export function readIpRanges(text: string): Ranges {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new FeedFault('not-json', `the feed is not JSON; it starts with ${JSON.stringify(text.slice(0, 40))}`);
  }
  const file = File.safeParse(json);
  if (!file.success) {
    const [issue] = file.error.issues;
    throw new FeedFault('malformed', `${issue?.path.join('.') || 'the feed'}: ${issue?.message ?? 'refused'}`);
  }
  const { syncToken, createDate } = file.data;
  const kept = new Map<string, Map<string, Map<string, Prefix>>>();
  collect(file.data.prefixes, 'prefixes', 'ip_prefix', 4, kept);
  collect(file.data.ipv6_prefixes, 'ipv6_prefixes', 'ipv6_prefix', 6, kept);
  for (const service of ['AMAZON', 'AMAZON_CONNECT']) {
    if (!kept.has(service)) throw new FeedFault('malformed', `the feed has no prefix of service ${service}`);
  }
  const sets = Object.fromEntries([...kept].sort(byName).map(([service, regions]) => [service, setsOf(service, regions)]));
  return { syncToken, createDate, sets };
}

/** When AWS published the file. */
export function publishedAt({ syncToken }: Pick<Ranges, 'syncToken'>): Date {
  return new Date(Number(syncToken) * 1_000);
}

function collect(
  entries: readonly unknown[],
  list: string,
  key: string,
  family: 4 | 6,
  into: Map<string, Map<string, Map<string, Prefix>>>,
): void {
  for (const [index, entry] of entries.entries()) {
    const at = `${list}.${index}`;
    const labels = Labels.safeParse(entry);
    if (!labels.success) throw new FeedFault('malformed', `${at}.${labels.error.issues[0]?.path.join('.') ?? ''}: expected a short name`);
    // Services that nobody here asks for may change their shape as they like.
    const { service, region } = labels.data;
    if (service !== 'AMAZON' && !TRACKED_SERVICES.some((tracked) => tracked === service)) continue;
    const text = (entry as Record<string, unknown>)[key];
    const prefix = typeof text === 'string' ? readPrefix(text) : null;
    if (!prefix || prefix.family !== family) throw new FeedFault('malformed', `${at}.${key}: expected an IPv${family} prefix`);
    if (!isPlausible(prefix)) throw new FeedFault('malformed', `${at}.${key}: ${writePrefix(prefix)} is too wide, or not of the internet`);
    const place = REGIONLESS.includes(service) ? '*' : region;
    const regions = into.get(service) ?? new Map<string, Map<string, Prefix>>();
    const prefixes = regions.get(place) ?? new Map<string, Prefix>();
    prefixes.set(writePrefix(prefix), prefix);
    into.set(service, regions.set(place, prefixes));
  }
}

/** First octets of this-network, private, loopback, link-local, shared, multicast and reserved addresses. */
const notOfTheInternet = ['0.0.0.0/8', '10.0.0.0/8', '127.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16']
  .concat(['224.0.0.0/3'])
  .flatMap((text) => readPrefix(text) ?? []);

function isPlausible(prefix: Prefix): boolean {
  if (prefix.length < WIDEST[prefix.family]) return false;
  if (prefix.family === 6) return prefix.first >> 125n === 1n;
  return !notOfTheInternet.some((other) => prefix.first >> BigInt(32 - other.length) === other.first >> BigInt(32 - other.length));
}

function setsOf(service: string, regions: ReadonlyMap<string, ReadonlyMap<string, Prefix>>): PrefixSet[] {
  return [...regions].sort(byName).map(([region, prefixes]) => {
    const all = [...prefixes.values()];
    const kept = service === 'AMAZON' ? foldPrefixes(all) : all.sort(comparePrefixes);
    const of = (family: 4 | 6) => kept.filter((prefix) => prefix.family === family).map(writePrefix);
    return { region, v4: of(4), v6: of(6) };
  });
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

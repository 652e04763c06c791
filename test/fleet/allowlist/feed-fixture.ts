import { readFileSync } from 'node:fs';
import { type Ranges, readIpRanges } from '../../../fleet/allowlist/ip-ranges.ts';

/** Excerpts of AWS's file as it was on these days: all of AMAZON_CONNECT, a little of the rest. */
export type FeedDay = '2024-07-17' | '2024-07-18' | '2025-06-11-18-53' | '2025-06-11-20-33' | '2026-08-22';

export function feedText(day: FeedDay): string {
  return readFileSync(new URL(`../../fixtures/ip-ranges/${day}.json`, import.meta.url), 'utf8');
}

export function feedOf(day: FeedDay): Ranges {
  return readIpRanges(feedText(day));
}

interface Entry {
  service: string;
  region: string;
  network_border_group: string;
  ip_prefix?: string;
  ipv6_prefix?: string;
}

export interface RawFeed {
  syncToken: string;
  createDate: string;
  prefixes: Entry[];
  ipv6_prefixes: Entry[];
}

export function rawFeed(day: FeedDay): RawFeed {
  return JSON.parse(feedText(day)) as RawFeed;
}

export function entry(service: string, region: string, prefix: string): Entry {
  const key = prefix.includes(':') ? 'ipv6_prefix' : 'ip_prefix';
  return { [key]: prefix, region, service, network_border_group: region };
}

/** The feed of that day, changed, and published so many seconds later. */
export function later(day: FeedDay, seconds: number, change: (feed: RawFeed) => void = () => {}): RawFeed {
  const feed = rawFeed(day);
  const token = Number(feed.syncToken) + seconds;
  feed.syncToken = String(token);
  feed.createDate = new Date(token * 1_000).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  change(feed);
  return feed;
}

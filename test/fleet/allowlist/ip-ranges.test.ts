import { expect, it } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { FeedFault } from '../../../fleet/allowlist/feed-fault.ts';
import { publishedAt, readIpRanges } from '../../../fleet/allowlist/ip-ranges.ts';
import { entry, feedOf, feedText, type RawFeed, rawFeed } from './feed-fixture.ts';

function faultOf(text: string): { code: string; detail: string } {
  try {
    readIpRanges(text);
  } catch (error) {
    if (error instanceof FeedFault) return { code: error.code, detail: error.message };
    throw error;
  }
  throw new Error('it was read');
}

const changed = (change: (feed: RawFeed) => void) => {
  const feed = rawFeed('2026-08-22');
  change(feed);
  return JSON.stringify(feed);
};

it('gives of AMAZON_CONNECT what ships with the product, which was made from the same file', () => {
  const ranges = feedOf('2026-08-22');
  expect(ranges.sets.AMAZON_CONNECT).toEqual(bundledAllowlist.prefixes.AMAZON_CONNECT);
  expect({ syncToken: ranges.syncToken, createDate: ranges.createDate }).toEqual(bundledAllowlist.ipRanges);
  expect(publishedAt(ranges).toISOString()).toBe('2026-08-22T15:17:05.000Z');
});

it('keeps the services that matter and leaves the others out, whatever is in them', () => {
  const text = changed((feed) => {
    feed.prefixes.push(entry('ROUTE53', 'GLOBAL', 'not a prefix'), entry('SOMETHING_NEW', 'mars-1', '10.0.0.0/8'));
    Object.assign(feed, { notes: 'a key that nobody knows' });
    Object.assign(feed.prefixes[0] ?? {}, { zone: 'a' });
  });
  expect(Object.keys(readIpRanges(text).sets)).toEqual(['AMAZON', 'AMAZON_CONNECT', 'CHIME_MEETINGS', 'CLOUDFRONT', 'EC2', 'S3']);
  expect(readIpRanges(text)).toEqual(feedOf('2026-08-22'));
});

it('reads the same from entries in another order, and from ones that stand twice', () => {
  const text = changed((feed) => {
    feed.prefixes = [...feed.prefixes.toReversed(), ...feed.prefixes];
    feed.ipv6_prefixes.reverse();
  });
  expect(readIpRanges(text)).toEqual(feedOf('2026-08-22'));
});

it('takes IPv6 in however it is written', () => {
  const text = changed((feed) => feed.ipv6_prefixes.push(entry('EC2', 'us-west-2', '2600:F0F2:0000:0::/40')));
  const west = readIpRanges(text).sets.EC2?.find(({ region }) => region === 'us-west-2');
  expect(west?.v6).toContain('2600:f0f2::/40');
});

const full = feedText('2026-08-22');
it.each([
  ['half a file', full.slice(0, full.length / 2), 'not-json', /^the feed is not JSON; it starts with "\{/],
  ['a portal’s page', '<!doctype html><title>Sign in</title>', 'not-json', /starts with "<!doctype html>/],
  ['nothing', '', 'not-json', /starts with ""/],
  ['another document', '{"prefixes":[]}', 'malformed', /^syncToken: /],
  ['a list', '[]', 'malformed', /^the feed: /],
  [
    'no prefixes',
    changed((feed) => {
      feed.prefixes = [];
    }),
    'malformed',
    /^prefixes: /,
  ],
  [
    'a token that is no number',
    changed((feed) => {
      feed.syncToken = 'soon';
    }),
    'malformed',
    /^syncToken: expected seconds/,
  ],
  [
    'a date of another form',
    changed((feed) => {
      feed.createDate = '2026-08-22';
    }),
    'malformed',
    /^createDate: /,
  ],
  [
    'one bad prefix among good ones',
    changed((feed) => {
      feed.prefixes.push(entry('EC2', 'us-west-2', '10.0.0.0/40'));
    }),
    'malformed',
    /^prefixes\.216\.ip_prefix: expected an IPv4 prefix$/,
  ],
  [
    'a prefix with bits behind its length',
    changed((feed) => {
      feed.prefixes.push(entry('S3', 'us-west-2', '52.94.0.1/24'));
    }),
    'malformed',
    /ip_prefix: expected an IPv4 prefix$/,
  ],
  [
    'the whole internet',
    changed((feed) => {
      feed.prefixes.push(entry('AMAZON', 'GLOBAL', '0.0.0.0/0'));
    }),
    'malformed',
    /0\.0\.0\.0\/0 is too wide/,
  ],
  [
    'addresses of somebody’s own network',
    changed((feed) => {
      feed.prefixes.push(entry('AMAZON_CONNECT', 'GLOBAL', '172.20.0.0/16'));
    }),
    'malformed',
    /not of the internet/,
  ],
  [
    'IPv6 that is not global',
    changed((feed) => {
      feed.ipv6_prefixes.push(entry('EC2', 'GLOBAL', 'fd00::/32'));
    }),
    'malformed',
    /^ipv6_prefixes\.\d+\.ipv6_prefix: fd00::\/32 is too wide, or not/,
  ],
  [
    'IPv6 among IPv4',
    changed((feed) => {
      feed.prefixes.push({ ...entry('EC2', 'GLOBAL', '2600::/32'), ip_prefix: '2600::/32' });
    }),
    'malformed',
    /expected an IPv4 prefix/,
  ],
  [
    'no Connect in it',
    changed((feed) => {
      feed.prefixes = feed.prefixes.filter(({ service }) => service !== 'AMAZON_CONNECT');
      feed.ipv6_prefixes = feed.ipv6_prefixes.filter(({ service }) => service !== 'AMAZON_CONNECT');
    }),
    'malformed',
    /no prefix of service AMAZON_CONNECT/,
  ],
  ['an entry that is no object', full.replace('"prefixes": [', '"prefixes": [7,'), 'malformed', /^prefixes\.0\./],
  [
    'a Region that is no name',
    changed((feed) => {
      feed.prefixes.push(entry('EC2', '../../etc', '52.94.0.0/24'));
    }),
    'malformed',
    /\.region: expected a short name/,
  ],
])('refuses %s as a whole, and says where', (_, text, code, detail) => {
  expect(faultOf(text)).toEqual({ code, detail: expect.stringMatching(detail) });
});

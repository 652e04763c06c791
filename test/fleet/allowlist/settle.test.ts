import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { changesBetween, withChanges } from '../../../fleet/allowlist/changes.ts';
import { publishedAt, type Ranges, readIpRanges } from '../../../fleet/allowlist/ip-ranges.ts';
import { type FeedState, startState, takeLook } from '../../../fleet/allowlist/settle.ts';
import { entry, type FeedDay, feedOf, later, type RawFeed } from './feed-fixture.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** Looks at one feed after the other, each so long after its publication. */
function looks(start: Ranges, feeds: readonly { feed: Ranges; atMs: number }[]): FeedState {
  let state = startState(start);
  for (const { feed, atMs } of feeds) {
    const taken = takeLook(state, feed, new Date(atMs), null);
    expect(taken.refusal).toBeNull();
    state = taken.state;
  }
  return state;
}

const connectOf = ({ sets }: Ranges, region: string) => sets.AMAZON_CONNECT?.find((set) => set.region === region);
const changed = (day: FeedDay, seconds: number, change: (feed: RawFeed) => void) =>
  readIpRanges(JSON.stringify(later(day, seconds, change)));

it('believes a new range after two looks and an hour, with the time of its first publication', () => {
  const [before, after] = [feedOf('2024-07-17'), feedOf('2024-07-18')];
  const t0 = publishedAt(after).getTime() + 20 * 60_000;
  const once = looks(before, [{ feed: after, atMs: t0 }]);
  expect(connectOf(once.settled, 'eu-central-1')?.v4).not.toContain('15.193.4.0/24');
  expect(once.waiting.filter(({ service }) => service === 'AMAZON_CONNECT')).toHaveLength(11);

  const tooSoon = looks(before, [
    { feed: after, atMs: t0 },
    { feed: after, atMs: t0 + 30 * 60_000 },
  ]);
  expect(tooSoon.waiting.length).toBe(once.waiting.length);

  const twice = looks(before, [
    { feed: after, atMs: t0 },
    { feed: after, atMs: t0 + HOUR_MS },
  ]);
  expect(twice.waiting).toEqual([]);
  expect(connectOf(twice.settled, 'eu-central-1')?.v4).toContain('15.193.4.0/24');
  expect(twice.recent.find(({ prefix }) => prefix === '15.193.4.0/24')).toEqual({
    op: 'added',
    service: 'AMAZON_CONNECT',
    region: 'eu-central-1',
    prefix: '15.193.4.0/24',
    publishedAt: '2024-07-18T12:53:09.000Z',
    publishedAfter: publishedAt(before).toISOString(),
    settledAt: new Date(t0 + HOUR_MS).toISOString(),
  });
});

it('ignores what AWS took back within hours: 11 June 2025', () => {
  const [first, second] = [feedOf('2025-06-11-18-53'), feedOf('2025-06-11-20-33')];
  // The day before, without the two /56 of us-west-2.
  const before = changed('2025-06-11-18-53', -DAY_MS / 1_000, (feed) => {
    feed.ipv6_prefixes = feed.ipv6_prefixes.filter(({ ipv6_prefix: prefix }) => !/^2600:f0f2:7100:(100)?:?:\/56$/.test(prefix ?? ''));
  });
  expect(connectOf(before, 'us-west-2')?.v6).toEqual([]);
  const state = looks(before, [
    { feed: first, atMs: publishedAt(first).getTime() + 10 * 60_000 },
    { feed: second, atMs: publishedAt(second).getTime() + 10 * 60_000 },
  ]);
  const connect = state.waiting.filter(({ service }) => service === 'AMAZON_CONNECT').map(({ prefix, looks: seen }) => [prefix, seen]);
  // Of the two one was gone with the second look; the other one stayed, and is believed since it was seen twice.
  expect(connect).toEqual([]);
  expect(connectOf(state.settled, 'us-west-2')?.v6).toEqual(['2600:f0f2:7100:100::/56']);
  const third = changed('2025-06-11-20-33', 2 * 3_600, (feed) => {
    feed.ipv6_prefixes = feed.ipv6_prefixes.filter(({ ipv6_prefix: prefix }) => prefix !== '2600:f0f2:7100:100::/56');
  });
  const after = takeLook(state, third, new Date(publishedAt(third).getTime() + 10 * 60_000), null);
  expect(after.state.waiting.filter(({ service, op }) => service === 'AMAZON_CONNECT' && op === 'removed')).toHaveLength(1);
  expect(connectOf(after.state.settled, 'us-west-2')?.v6).toEqual(['2600:f0f2:7100:100::/56']);
});

it('takes a range out only after the two weeks in which AWS moves traffic', () => {
  const base = feedOf('2026-08-22');
  const gone = changed('2026-08-22', 3_600, (feed) => {
    feed.prefixes = feed.prefixes.filter(
      ({ ip_prefix: prefix, service }) => !(prefix === '54.190.198.32/28' && service === 'AMAZON_CONNECT'),
    );
  });
  const t0 = publishedAt(gone).getTime();
  const at = (days: number) => ({ feed: gone, atMs: t0 + days * DAY_MS });
  expect(connectOf(looks(base, [at(0), at(1), at(13.9)]).settled, 'us-west-2')?.v4).toContain('54.190.198.32/28');
  const out = looks(base, [at(0), at(1), at(14)]);
  expect(connectOf(out.settled, 'us-west-2')?.v4).not.toContain('54.190.198.32/28');
});

it('settles what stays although something else comes and goes at each look', () => {
  const base = feedOf('2026-08-22');
  const flapping = (seconds: number, isThere: boolean) =>
    changed('2026-08-22', seconds, (feed) => {
      feed.prefixes = feed.prefixes.filter(({ ip_prefix: prefix }) => prefix !== '1.178.86.0/24');
      if (isThere) feed.prefixes.push(entry('EC2', 'ap-southeast-3', '1.178.86.0/24'));
      feed.prefixes.push(entry('AMAZON_CONNECT', 'us-west-2', '15.193.30.0/24'));
    });
  const t0 = publishedAt(base).getTime();
  const state = looks(
    base,
    [0, 1, 2, 3].map((hour) => ({ feed: flapping((hour + 1) * 3_600, hour % 2 === 1), atMs: t0 + (hour + 1) * HOUR_MS })),
  );
  expect(connectOf(state.settled, 'us-west-2')?.v4).toContain('15.193.30.0/24');
  expect(state.recent.map(({ prefix }) => prefix)).toEqual(['15.193.30.0/24']);
});

it('refuses what is older, and what is of the day after tomorrow', () => {
  const now = new Date('2026-08-22T16:00:00Z');
  const state = startState(feedOf('2026-08-22'));
  const older = takeLook(state, feedOf('2025-06-11-20-33'), now, null);
  expect(older.refusal).toEqual({
    code: 'older',
    detail: 'the feed is of 2025-06-11-20-33-18, and one of 2026-08-22-15-17-05 was read before',
  });
  expect(older.state).toEqual(state);
  const future = takeLook(
    state,
    changed('2026-08-22', 2 * 86_400, () => {}),
    now,
    null,
  );
  expect(future.refusal?.code).toBe('from-the-future');
  expect(future.state).toEqual(state);
});

it('holds a feed that lost much at once, until it is whole again or somebody accepts it', () => {
  const state = startState(feedOf('2026-08-22'));
  const now = new Date('2026-08-22T20:00:00Z');
  const shrunk = changed('2026-08-22', 3_600, (feed) => {
    feed.prefixes = feed.prefixes.filter(({ service }, index) => service !== 'AMAZON_CONNECT' || index % 2 === 0);
  });
  const held = takeLook(state, shrunk, now, null);
  expect(held.refusal).toEqual({ code: 'shrunk', detail: expect.stringMatching(/^AMAZON_CONNECT IPv4: \d+ of 21 prefixes gone$/) });
  expect(held.state).toEqual({ ...state, held: { since: now.toISOString(), syncToken: shrunk.syncToken, detail: held.refusal?.detail } });
  const whole = takeLook(
    held.state,
    changed('2026-08-22', 7_200, () => {}),
    now,
    null,
  );
  expect(whole.refusal).toBeNull();
  expect(whole.state.held).toBeNull();
  // Accepted by the token that was looked at, and by no other.
  expect(takeLook(held.state, shrunk, now, 'another').refusal?.code).toBe('shrunk');
  const accepted = takeLook(held.state, shrunk, now, shrunk.syncToken);
  expect(accepted.refusal).toBeNull();
  expect(accepted.state.waiting.every(({ op }) => op === 'removed')).toBe(true);
});

it.each([
  [
    'a service without IPv6',
    (feed: RawFeed) => {
      feed.ipv6_prefixes = feed.ipv6_prefixes.filter(({ service }) => service !== 'CLOUDFRONT');
    },
    'CLOUDFRONT IPv6',
  ],
  [
    'half of Amazon',
    (feed: RawFeed) => {
      feed.prefixes = feed.prefixes.filter(({ service }, index) => service !== 'AMAZON' || index < 60);
    },
    'AMAZON IPv4',
  ],
])('holds a feed with %s', (_, change, says) => {
  const { refusal } = takeLook(
    startState(feedOf('2026-08-22')),
    changed('2026-08-22', 3_600, change),
    new Date('2026-08-22T20:00:00Z'),
    null,
  );
  expect(refusal).toEqual({ code: 'shrunk', detail: expect.stringContaining(says) });
});

it('starts from the shipped list: what that lacks is taken whole, what it has is followed', () => {
  const feed = feedOf('2026-08-22');
  const { state } = takeLook(
    startState({ ...bundledAllowlist.ipRanges, sets: { AMAZON_CONNECT: bundledAllowlist.prefixes.AMAZON_CONNECT ?? [] } }),
    feed,
    new Date('2026-08-23T00:00:00Z'),
    null,
  );
  expect(Object.keys(state.settled.sets).sort()).toEqual(['AMAZON', 'AMAZON_CONNECT', 'CHIME_MEETINGS', 'CLOUDFRONT', 'EC2', 'S3']);
  expect(state.waiting).toEqual([]);
});

it('changes, made, lead from one feed to the other', () => {
  const days: FeedDay[] = ['2024-07-17', '2024-07-18', '2025-06-11-18-53', '2025-06-11-20-33', '2026-08-22'];
  fc.assert(
    fc.property(fc.constantFrom(...days), fc.constantFrom(...days), (from, to) => {
      const [a, b] = [feedOf(from), feedOf(to)];
      const changes = changesBetween(a.sets, b.sets);
      const there = withChanges(a.sets, changes);
      expect(changesBetween(there, b.sets)).toEqual([]);
      expect(changesBetween(b.sets, there)).toEqual([]);
      expect(changes.length === 0).toBe(from === to);
    }),
  );
});

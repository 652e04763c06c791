import { z } from 'zod';
import { PrefixSet } from '../../contracts/allowlist.ts';
import { type Change, changesBetween, keyOf, withChanges } from './changes.ts';
import { publishedAt, type Ranges } from './ip-ranges.ts';
import { lossOf } from './loss.ts';

const DAY_MS = 24 * 60 * 60_000;
/** A change must be there in two looks, an hour apart: AWS takes some back within hours, and one /24 comes and goes daily. */
const MIN_LOOKS = 2;
const ADDED_SETTLES_MS = 60 * 60_000;
/** AWS moves traffic over two weeks: a prefix that is gone from the file may carry some that long. */
const REMOVED_SETTLES_MS = 14 * DAY_MS;
/** How long the time of a publication is remembered: its due date, and the two weeks after it. */
const REMEMBERED_MS = 60 * DAY_MS;
/** A feed from further ahead would keep out every true one that follows. */
const CLOCK_SLACK_MS = DAY_MS;

const change = {
  op: z.enum(['added', 'removed']),
  service: z.string(),
  region: z.string(),
  prefix: z.string(),
  publishedAt: z.iso.datetime(),
  publishedAfter: z.iso.datetime(),
};

const RangesShape = z.strictObject({ syncToken: z.string(), createDate: z.string(), sets: z.record(z.string(), z.array(PrefixSet)) });

/** What the deployment knows of the feed; one row, whoever of the replicas looks. */
export const FeedState = z.strictObject({
  /** What is believed. Its token is that of the newest feed whose changes were taken in or wait. */
  settled: RangesShape,
  waiting: z.array(
    z.strictObject({
      ...change,
      firstSeenAt: z.iso.datetime(),
      looks: z.int().positive(),
      /** Somebody knows that it is gone: no loss any more, though it is believed until its time is over. */
      accepted: z.literal(true).optional(),
    }),
  ),
  recent: z.array(z.strictObject({ ...change, settledAt: z.iso.datetime() })),
  held: z.strictObject({ since: z.iso.datetime(), syncToken: z.string(), detail: z.string() }).nullable(),
});
export type FeedState = z.infer<typeof FeedState>;

export type Refusal = { code: 'older' | 'from-the-future' | 'shrunk'; detail: string };

export function startState(base: Ranges): FeedState {
  return { settled: RangesShape.parse(base), waiting: [], recent: [], held: null };
}

/**
 * Takes one look at the feed in. What is refused changes nothing but `held`. `acceptLoss` names the feed whose losses
 * somebody has accepted.
 */
export function takeLook(
  before: FeedState,
  feed: Ranges,
  now: Date,
  acceptLoss: string | null,
): { state: FeedState; refusal: Refusal | null } {
  const refusal = refusalOf(before, feed, now, acceptLoss);
  if (refusal) {
    const since = before.held?.since ?? now.toISOString();
    const held = refusal.code === 'shrunk' ? { since, syncToken: feed.syncToken, detail: refusal.detail } : before.held;
    return { state: { ...before, held }, refusal };
  }
  const known = new Map(before.waiting.map((one) => [keyOf(one), one]));
  const waiting = changesBetween(before.settled.sets, feed.sets).map((seen) => {
    const earlier = known.get(keyOf(seen));
    const accepted = acceptLoss === feed.syncToken && seen.op === 'removed' && { accepted: true as const };
    if (earlier) return { ...earlier, looks: earlier.looks + 1, ...accepted };
    const times = { publishedAt: publishedAt(feed).toISOString(), publishedAfter: publishedAt(before.settled).toISOString() };
    return { ...seen, ...times, firstSeenAt: now.toISOString(), looks: 1, ...accepted };
  });
  const ripe = waiting.filter((one) => one.looks >= MIN_LOOKS && now.getTime() - Date.parse(one.firstSeenAt) >= settleMs(one));
  const settledAt = now.toISOString();
  const recent = before.recent.filter((one) => now.getTime() - Date.parse(one.settledAt) < REMEMBERED_MS);
  const introduced = Object.fromEntries(Object.entries(feed.sets).filter(([service]) => !before.settled.sets[service]));
  const sets = { ...withChanges(before.settled.sets, ripe), ...introduced, AMAZON: feed.sets.AMAZON ?? [] };
  const settled = RangesShape.parse({ syncToken: feed.syncToken, createDate: feed.createDate, sets });
  const added = ripe.map(({ firstSeenAt: _, looks: __, accepted: ___, ...one }) => ({ ...one, settledAt }));
  return {
    state: { settled, waiting: waiting.filter((one) => !ripe.includes(one)), recent: [...recent, ...added], held: null },
    refusal: null,
  };
}

function settleMs({ op }: Change): number {
  return op === 'added' ? ADDED_SETTLES_MS : REMOVED_SETTLES_MS;
}

function refusalOf({ settled, waiting }: FeedState, feed: Ranges, now: Date, acceptLoss: string | null): Refusal | null {
  if (Number(feed.syncToken) < Number(settled.syncToken)) {
    return { code: 'older', detail: `the feed is of ${feed.createDate}, and one of ${settled.createDate} was read before` };
  }
  if (publishedAt(feed).getTime() > now.getTime() + CLOCK_SLACK_MS) {
    return { code: 'from-the-future', detail: `the feed is of ${feed.createDate}` };
  }
  const expected = withChanges(
    settled.sets,
    waiting.filter(({ accepted }) => accepted),
  );
  const loss = acceptLoss === feed.syncToken ? null : lossOf(expected, feed.sets);
  return loss === null ? null : { code: 'shrunk', detail: loss };
}

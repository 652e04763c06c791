import type { Allowlist } from '../../contracts/allowlist.ts';
import type { Db } from '../db/tenancy.ts';
import { withChanges } from './changes.ts';
import { FeedFault } from './feed-fault.ts';
import { claimLook, type StoredFeed, storeLook } from './feed-store.ts';
import { type Ranges, readIpRanges } from './ip-ranges.ts';
import { type FeedSource, readFeed } from './read-feed.ts';
import { type FeedState, startState, takeLook } from './settle.ts';

export interface LookDeps {
  db: Db;
  now: () => Date;
  source: FeedSource;
  shipped: Allowlist;
}

export interface LookOptions {
  /** Not when the last look is younger than this. */
  minAgeMs: number;
  /** The token of a feed whose losses somebody has accepted. */
  acceptLoss?: string | null;
  stop?: AbortSignal;
}

/** Looks at the feed once, for the whole deployment. Null: another replica does, or it is too soon. Faults are kept, not thrown. */
export async function lookAtFeed({ db, now, source, shipped }: LookDeps, options: LookOptions): Promise<StoredFeed | null> {
  const before = await claimLook(db, now(), options.minAgeMs);
  if (!before) return null;
  const state = before.state ?? startState({ ...shipped.ipRanges, sets: shipped.prefixes });
  const after = await look(before, state).catch((error): StoredFeed => {
    // What is no fault of the feed leaves the claim to run out.
    if (!(error instanceof FeedFault)) throw error;
    return { ...before, etag: null, checkedAt: now(), fault: { code: error.code, detail: error.message } };
  });
  await storeLook(db, after);
  return after;

  async function look(held: StoredFeed, known: FeedState): Promise<StoredFeed> {
    const read = await readFeed(source, held.state && held.etag, options.stop);
    const at = now();
    const feed = read.kind === 'text' ? readIpRanges(read.text) : asBefore(known);
    const taken = takeLook(known, feed, at, options.acceptLoss ?? null);
    // With a refused feed's ETag the next look would see nothing of it.
    if (taken.refusal) return { ...held, state: taken.state, etag: null, checkedAt: at, fault: taken.refusal };
    return { state: taken.state, etag: read.kind === 'text' ? read.etag : held.etag, checkedAt: at, usedAt: at, fault: null };
  }
}

/** The feed that the last look saw: what is believed, and what waits. */
function asBefore({ settled, waiting }: FeedState): Ranges {
  return { ...settled, sets: withChanges(settled.sets, waiting) };
}

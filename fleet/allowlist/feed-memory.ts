import type { PrefixSet } from '../../contracts/allowlist.ts';
import type { Db } from '../db/tenancy.ts';
import { amazonSets } from './content.ts';
import { feedVersion, readStoredFeed, type StoredFeed } from './feed-store.ts';

export interface FoldedFeed {
  /** Changes with every look, whoever takes it. */
  version: string;
  feed: StoredFeed;
  amazon: readonly PrefixSet[];
}

/** What is known of an instance that needs nothing: as long as `standing` is the same, there is nothing to compare. */
export interface SettledInstance {
  standing: string;
  seen: boolean;
}

/** What this process has folded. Each fold is 40 to 210 ms of its event loop, and the job comes by every minute. */
export interface FeedMemory {
  read(db: Db): Promise<FoldedFeed>;
  settled: Map<string, SettledInstance>;
}

export function createFeedMemory(fold: typeof amazonSets = amazonSets): FeedMemory {
  let held: FoldedFeed | null = null;
  return {
    settled: new Map(),
    async read(db) {
      // Before what it is the version of: a look in between is folded at the next call.
      const version = await feedVersion(db);
      if (held?.version === version) return held;
      const feed = await readStoredFeed(db);
      held = { version, feed, amazon: feed.state ? fold(feed.state.settled.sets) : [] };
      return held;
    },
  };
}

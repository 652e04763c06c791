import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import type { Allowlist } from '../../../contracts/allowlist.ts';
import { amazonSets } from '../../../fleet/allowlist/content.ts';
import { createFeedMemory } from '../../../fleet/allowlist/feed-memory.ts';
import { type AllowlistJobDeps, type AllowlistJobOutcome, runAllowlistJob } from '../../../fleet/allowlist/job.ts';
import { createKeyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { openDb } from '../../../fleet/db/tenancy.ts';
import { issueDocument } from '../../../fleet/documents/issue.ts';
import { openSigningKeys, type SigningKeys } from '../../../fleet/documents/signing-keys.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { feedOf, type RawFeed } from './feed-fixture.ts';

/** The shipped list with the prefixes of the fixtures, so that their little is no loss. */
export const shipped: Allowlist = {
  ...bundledAllowlist,
  prefixes: Object.fromEntries(
    ['AMAZON', 'AMAZON_CONNECT', 'CLOUDFRONT'].map((service) => [service, [...(feedOf('2026-08-22').sets[service] ?? [])]]),
  ),
};

export interface StagedTracker {
  database: TestDatabase;
  deps: AllowlistJobDeps;
  /** Of the feed, by this process. */
  folds: { count: number };
  keys: SigningKeys;
  /** Milliseconds since 1970. */
  time: { ms: number };
  writeFeed(feed: RawFeed | string): Promise<void>;
  /** Looks again and again, each so many hours after the one before. */
  run(hours?: number): Promise<AllowlistJobOutcome>;
  close(): Promise<void>;
}

export async function stageTracker(startIso: string): Promise<StagedTracker> {
  const database = await openTestDatabase();
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-allowlist-'));
  const time = { ms: Date.parse(startIso) };
  const now = () => new Date(time.ms);
  const keyDb = openDb({ url: database.appUrl, applicationName: 'test-keys', max: 2, onError: () => undefined });
  const keyring = createKeyring({
    provider: await openLocalKeyProvider({ dir: path.join(dir, 'keys'), clock: now }),
    db: keyDb,
    clock: now,
  });
  const keys = await openSigningKeys({ db: database.db, keyring, now });
  const file = path.join(dir, 'ip-ranges.json');
  const folds = { count: 0 };
  const deps: AllowlistJobDeps = {
    db: database.db,
    now,
    shipped,
    memory: createFeedMemory((sets) => {
      folds.count += 1;
      return amazonSets(sets);
    }),
    source: { url: pathToFileURL(file), proxy: {} },
    issue: (tx, instance, content) => issueDocument({ keys, keyring, now }, tx, instance, content),
  };
  return {
    database,
    deps,
    folds,
    keys,
    time,
    writeFeed: (feed) => writeFile(file, typeof feed === 'string' ? feed : JSON.stringify(feed)),
    run(hours = 1) {
      time.ms += hours * 60 * 60_000;
      return runAllowlistJob(deps);
    },
    async close() {
      keyring.close();
      await keyDb.end();
      await database.close();
      await rm(dir, { recursive: true });
    },
  };
}

import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import type { FeedMemory, FoldedFeed, SettledInstance } from './feed-memory.ts';
import type { StoredFeed } from './feed-store.ts';
import { type LookDeps, type LookOptions, lookAtFeed } from './look.ts';
import { type IssueDocument, publish, revise } from './revise.ts';
import { readInstances, versionOfRows } from './revision-rows.ts';

export interface AllowlistJobDeps extends LookDeps {
  issue: IssueDocument;
  memory: FeedMemory;
}

export interface AllowlistJobOutcome {
  /** False: another replica looked, or it was too soon. */
  looked: boolean;
  fault: StoredFeed['fault'];
  seen: number;
  published: number;
}

/** The scheduler may call it as often as it likes: looks stand an hour apart, whoever of the replicas takes them. */
const HOURLY_MS = 55 * 60_000;

/**
 * Looks at the feed and brings every instance up to what is believed. Also without a look: an instance or a version of the
 * product may be new. Where nothing is, nothing is compared; with each look, which each hour brings, everything is. A tenant that
 * fails keeps the others from nothing; the first error is thrown in the end.
 */
export async function runAllowlistJob(deps: AllowlistJobDeps, options: Partial<LookOptions> = {}): Promise<AllowlistJobOutcome> {
  const looked = (await lookAtFeed(deps, { minAgeMs: HOURLY_MS, ...options })) !== null;
  const folded = await deps.memory.read(deps.db);
  const outcome = { looked, fault: folded.feed.fault, seen: 0, published: 0 };
  const errors: unknown[] = [];
  for (const { id: tenant } of await deps.db.tenants()) {
    try {
      const settled = await deps.db.within({ tenant }, async (tx) => {
        const { instances, approval } = await readInstances(tx);
        const done: [string, SettledInstance & { published: boolean }][] = [];
        for (const instance of instances) done.push([instance.id, await bringUp(deps, tx, instance, folded, approval)]);
        return done;
      });
      // Of what was committed alone.
      for (const [instance, { standing, seen, published }] of settled) {
        deps.memory.settled.set(instance, { standing, seen });
        if (seen) outcome.seen += 1;
        if (published) outcome.published += 1;
      }
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return outcome;
}

async function bringUp(
  { memory, shipped, issue, now }: AllowlistJobDeps,
  tx: Tx,
  instance: DocumentInstance,
  { version, feed: { state }, amazon }: FoldedFeed,
  approval: 'automatic' | 'manual',
): Promise<SettledInstance & { published: boolean }> {
  const standing = async () => `${version} ${approval} ${await versionOfRows(tx, instance.id)}`;
  const before = memory.settled.get(instance.id);
  if (!state || before?.standing === (await standing())) return { standing: '', seen: false, ...before, published: false };
  const seen = await revise(tx, { instance, state, amazon, shipped, now: now() });
  const published = seen !== null && approval === 'automatic';
  if (published) await publish(tx, issue, instance, seen, null, now());
  return { standing: await standing(), seen: seen !== null && !published, published };
}

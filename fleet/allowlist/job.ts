import { amazonSets } from './content.ts';
import type { StoredFeed } from './feed-store.ts';
import { readStoredFeed } from './feed-store.ts';
import { type LookDeps, type LookOptions, lookAtFeed } from './look.ts';
import { type IssueDocument, publish, revise } from './revise.ts';
import { readInstances } from './revision-rows.ts';

export interface AllowlistJobDeps extends LookDeps {
  issue: IssueDocument;
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
 * product may be new. A tenant that fails keeps the others from nothing; the first error is thrown in the end.
 */
export async function runAllowlistJob(deps: AllowlistJobDeps, options: Partial<LookOptions> = {}): Promise<AllowlistJobOutcome> {
  const looked = await lookAtFeed(deps, { minAgeMs: HOURLY_MS, ...options });
  const { state, fault } = looked ?? (await readStoredFeed(deps.db));
  const outcome = { looked: looked !== null, fault, seen: 0, published: 0 };
  if (!state) return outcome;
  const amazon = amazonSets(state.settled.sets);
  const errors: unknown[] = [];
  for (const { id: tenant } of await deps.db.tenants()) {
    try {
      await deps.db.within({ tenant }, async (tx) => {
        const { instances, approval } = await readInstances(tx);
        for (const instance of instances) {
          const seen = await revise(tx, { instance, state, amazon, shipped: deps.shipped, now: deps.now() });
          if (seen && approval === 'automatic') {
            await publish(tx, deps.issue, instance, seen, null, deps.now());
            outcome.published += 1;
          } else if (seen) outcome.seen += 1;
        }
      });
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return outcome;
}

import type { Allowlist } from '../../contracts/allowlist.ts';
import {
  AllowlistAnswer,
  AllowlistQuery,
  CheckNowAnswer,
  CheckNowRequest,
  DiffAnswer,
  DiffQuery,
  type FeedView,
  PublishAllowlistAnswer,
  PublishAllowlistRequest,
  RevisionsAnswer,
  RevisionsQuery,
} from '../../contracts/console/allowlist.ts';
import { demandAtAll } from '../access/refusal.ts';
import { demandFreshMfa } from '../access/step-up.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { dueAt, mayBeInUse } from './diff.ts';
import { readStoredFeed, type StoredFeed } from './feed-store.ts';
import { type AllowlistJobDeps, runAllowlistJob } from './job.ts';
import { publish, STALE_MS } from './revise.ts';
import { holdNextRevision, listRevisions, readByStatus, readInstances, readRevision, viewOfStored } from './revision-rows.ts';

/** A person who waits for AWS's file asks again and again; it is somebody else's server. */
const CHECK_NOW_MS = 60_000;
/** Whoever waits holds a transaction meanwhile, which the database ends after a minute. */
const CHECK_NOW_DEADLINE_MS = 15_000;

export function allowlistRoutes(deps: AllowlistJobDeps): readonly Route[] {
  const { db, shipped } = deps;
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/allowlist',
      summary: 'The allowlist of an instance: what desks obey, what waits, and until when',
      who: 'signed-in',
      needs: 'AllowList.View',
      query: AllowlistQuery,
      answer: AllowlistAnswer,
      async handle({ tx, actor, query, now, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'AllowList.View'));
        const { instance, approval } = await chooseInstance(tx, query.instance);
        audit({ type: 'allowlist', id: instance.id });
        const feed = await readStoredFeed(db);
        const [published, seen] = [await readByStatus(tx, instance.id, 'published'), await readByStatus(tx, instance.id, 'seen')];
        const { revision, createdAt, ipRanges } = published?.body ?? shipped;
        return {
          instance: instance.id,
          current: { revision, createdAt, syncToken: ipRanges.syncToken, shipped: published === null },
          pending: seen && viewOfStored(seen),
          approval,
          dueAt: seen && dueAt(seen.diff),
          mayBeInUse: seen !== null && mayBeInUse(seen.diff, now),
          stale: isStale(feed, shipped, now),
          feed: viewOfFeed(feed),
        };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/allowlist/revisions',
      summary: 'Revisions of the allowlist, newest first',
      who: 'signed-in',
      needs: 'AllowList.View',
      query: RevisionsQuery,
      answer: RevisionsAnswer,
      async handle({ tx, actor, query, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'AllowList.View'));
        const { instance } = await chooseInstance(tx, query.instance);
        audit({ type: 'allowlist', id: instance.id });
        const after = query.after === undefined ? null : Number(query.after);
        const found = await listRevisions(tx, instance.id, query.limit + 1, after);
        const items = found.slice(0, query.limit);
        return { items, next: found.length > items.length ? String(items.at(-1)?.revision) : null };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/allowlist/diff',
      summary: 'What a revision changes, with the time from which AWS may use each new prefix',
      who: 'signed-in',
      needs: 'AllowList.View',
      query: DiffQuery,
      answer: DiffAnswer,
      async handle({ tx, actor, query, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'AllowList.View'));
        const { instance } = await chooseInstance(tx, query.instance);
        audit({ type: 'allowlist', id: instance.id });
        const found =
          query.revision === undefined
            ? ((await readByStatus(tx, instance.id, 'seen')) ?? (await readByStatus(tx, instance.id, 'published')))
            : await readRevision(tx, instance.id, query.revision);
        if (!found) throw new FleetFault('not-found', 'there is no such thing');
        return { revision: viewOfStored(found), diff: found.diff };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/allowlist/check-now',
      summary: "Look at AWS's ip-ranges.json now, at most once a minute; or take a feed that was held for what it lost",
      who: 'signed-in',
      needs: 'AllowList.Approve',
      body: CheckNowRequest,
      answer: CheckNowAnswer,
      async handle({ actor, body, now, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'AllowList.Approve'));
        // The feed is the deployment's: what one tenant accepts as lost, all follow.
        if (body.acceptLoss !== undefined) demandFreshMfa(actor, now);
        audit({ type: 'allowlist-feed', id: 'aws-ip-ranges' }, { after: body });
        const soon = { ...deps, source: { ...deps.source, deadlineMs: CHECK_NOW_DEADLINE_MS } };
        const { looked } = await runAllowlistJob(soon, { minAgeMs: CHECK_NOW_MS, acceptLoss: body.acceptLoss ?? null });
        return { looked, feed: viewOfFeed(await readStoredFeed(db)) };
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/allowlist/publish',
      summary: 'Sign the pending revision: from then on desks obey it',
      who: 'signed-in',
      needs: 'AllowList.Approve',
      body: PublishAllowlistRequest,
      answer: PublishAllowlistAnswer,
      async handle({ tx, actor, body, now, audit, decidedBy }) {
        decidedBy(demandAtAll(actor, 'AllowList.Approve'));
        demandFreshMfa(actor, now);
        const { instance } = await chooseInstance(tx, body.instance);
        // Or the job could take back meanwhile what is about to be signed.
        await holdNextRevision(tx, instance, shipped);
        const before = await readByStatus(tx, instance.id, 'published');
        const seen = await readByStatus(tx, instance.id, 'seen');
        if (seen?.revision !== body.revision || seen.hash.toString('hex') !== body.contentHash) {
          throw new FleetFault('conflict', 'another revision is pending by now: look at its diff', { path: 'revision' });
        }
        const published = await publish(tx, deps.issue, instance, seen, actor.kind === 'account' ? actor.account : null, now);
        audit({ type: 'allowlist', id: instance.id }, { before: before?.body ?? null, after: published.body });
        return { revision: viewOfStored(published) };
      },
    }),
  ];
}

async function chooseInstance(
  tx: Tx,
  asked: string | undefined,
): Promise<{ instance: DocumentInstance; approval: 'automatic' | 'manual' }> {
  const { instances, approval } = await readInstances(tx);
  const [instance, another] = asked === undefined ? instances : instances.filter(({ id }) => id === asked);
  if (!instance) throw new FleetFault('not-found', 'there is no such thing');
  if (another) throw new FleetFault('bad-request', 'there are several instances: name one', { path: 'instance' });
  return { instance, approval };
}

/** Nobody knows what AWS has published since: of a fresh installation, since its version was made. */
export function isStale({ usedAt }: Pick<StoredFeed, 'usedAt'>, shipped: Pick<Allowlist, 'createdAt'>, now: Date): boolean {
  return now.getTime() - (usedAt?.getTime() ?? Date.parse(shipped.createdAt)) > STALE_MS;
}

function viewOfFeed({ state, checkedAt, usedAt, fault }: StoredFeed): FeedView {
  const count = (op: 'added' | 'removed') => state?.waiting.filter((one) => one.op === op).length ?? 0;
  return {
    checkedAt: checkedAt?.toISOString() ?? null,
    usedAt: usedAt?.toISOString() ?? null,
    syncToken: state?.settled.syncToken ?? null,
    fault,
    held: state?.held ?? null,
    waiting: { added: count('added'), removed: count('removed') },
  };
}

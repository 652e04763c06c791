import type { Allowlist, PrefixSet } from '../../contracts/allowlist.ts';
import type { Tx } from '../db/tenancy.ts';
import { contentHash } from '../documents/content-hash.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import type { Content } from '../documents/issue.ts';
import { makeContent, substanceHash } from './content.ts';
import { diffOf } from './diff.ts';
import { dropSeen, holdNextRevision, keepSeen, markPublished, readByStatus, type StoredRevision } from './revision-rows.ts';
import type { FeedState } from './settle.ts';

/** A list that nobody has signed for so long is signed anew though nothing changed: desks warn of an old one. */
export const STALE_MS = 14 * 24 * 60 * 60_000;

/** `issueDocument` of fleet/documents. Null: the document waits for its signature, which is made elsewhere. */
export type IssueDocument = (tx: Tx, instance: DocumentInstance, content: Content) => Promise<number | null>;

export interface ReviseInput {
  instance: DocumentInstance;
  state: FeedState;
  amazon: readonly PrefixSet[];
  shipped: Allowlist;
  now: Date;
}

/** Compares what is believed with what desks obey, and keeps what is new as `seen`. Gives what waits for its publication. */
export async function revise(tx: Tx, { instance, state, amazon, shipped, now }: ReviseInput): Promise<StoredRevision | null> {
  const revision = await holdNextRevision(tx, instance, shipped);
  const published = await readByStatus(tx, instance.id, 'published');
  const seen = await readByStatus(tx, instance.id, 'seen');
  const base = published?.body ?? shipped;
  const body = makeContent({ settled: state.settled, amazon, region: instance.region, shipped, revision, now });
  const hash = substanceHash(body);
  if (seen?.hash.equals(hash) && now.getTime() - seen.seenAt.getTime() < STALE_MS) return seen;
  const isDue = !hash.equals(substanceHash(base)) || now.getTime() - Date.parse(base.createdAt) >= STALE_MS;
  if (!isDue) {
    // What was seen has gone again before anybody approved it.
    if (seen) await dropSeen(tx, instance.id);
    return null;
  }
  const diff = diffOf(base, body, instance.region, state.recent);
  await keepSeen(tx, instance, { revision, body, hash, diff, seenAt: now });
  return { revision, status: 'seen', body, hash, diff, seenAt: now, publishedAt: null, publishedBy: null };
}

/** Signs what was seen, and desks obey it. `by`: null for the tenant's own setting. */
export async function publish(
  tx: Tx,
  issue: IssueDocument,
  instance: DocumentInstance,
  seen: StoredRevision,
  by: string | null,
  now: Date,
): Promise<StoredRevision> {
  let { revision } = seen;
  const bodyOf = (): Allowlist => ({ ...seen.body, revision });
  const { revision: _, ...said } = seen.body;
  const issued = await issue(tx, instance, {
    kind: 'allowlist',
    audience: '',
    hash: contentHash(said),
    body(number) {
      revision = number;
      return bodyOf();
    },
  });
  if (issued !== null) revision = issued;
  const body = bodyOf();
  await markPublished(tx, instance.id, { seen: seen.revision, issued: revision, body, by, now });
  return { ...seen, revision, body, status: 'published', publishedAt: now, publishedBy: by };
}

import { sql } from 'kysely';
import type { DocumentKind } from '../../contracts/signed-document.ts';
import { KeyUnavailable } from '../crypto/key-provider.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from './document-rows.ts';
import { type Content, type IssuingDeps, issueDocument, lastCounted, MAX_LEAP } from './issue.ts';
import { UnreadablePolicy } from './unreadable-policy.ts';

export interface OrderDeps extends IssuingDeps {
  /** It is met with every heartbeat of a desk under it. */
  onUnreadable(error: UnreadablePolicy): void;
}

export interface Want {
  device: string;
  /** Revision of this kind that the desk holds; 0 for none. */
  held: number;
  /** What it is to obey; null: nothing in particular, so that it stays with what it has. */
  content: Content | null;
}

interface Known {
  revision: number;
  audience: string;
  hash: Buffer;
}

/**
 * The revision that each desk is to have. A desk that holds the right content already keeps its revision, whatever newer one
 * its audience has since; one that came from another audience with a higher revision has been overtaken, and the content is
 * issued anew above it. So a desk that moves costs one document, and none of the others fetches anything.
 */
export async function newestRevisions(
  deps: OrderDeps,
  tx: Tx,
  instance: DocumentInstance,
  kind: DocumentKind,
  wants: readonly Want[],
): Promise<Map<string, number>> {
  const contents = new Map(wants.flatMap(({ content }) => (content ? [[content.audience, content] as const] : [])));
  if (contents.size === 0) return new Map(wants.map(({ device, held }) => [device, held]));
  const held = await byRevision(tx, instance, kind, wants);
  const newest = await byAudience(tx, instance, kind, [...contents.keys()]);

  const holdsIt = ({ held: revision, content }: Want) => content !== null && says(held.get(revision), content);
  const offered = ({ held: revision, content }: Want) => {
    const known = content && newest.get(content.audience);
    return known && content && says(known, content) && known.revision > revision ? known.revision : null;
  };
  // In a fixed order, so that what two replicas issue at a time does not depend on their desks' order.
  for (const content of [...contents.values()].toSorted((a, b) => (a.audience < b.audience ? -1 : 1))) {
    const lacking = () => wants.filter((want) => want.content?.audience === content.audience && !holdsIt(want) && offered(want) === null);
    if (lacking().length === 0) continue;
    const last = await lastCounted(tx, instance, kind);
    // Apart from each other, so that what one desk claims is never why another waits.
    for (const [from, to] of [
      [0, last],
      [last + 1, last + MAX_LEAP],
    ] as const) {
      const believed = lacking().filter((want) => want.held >= from && want.held <= to);
      if (believed.length === 0) continue;
      const above = Math.max(...believed.map((want) => want.held));
      const revision = await issueDocument(deps, tx, instance, content, above).catch(unlessOutOfReach(deps));
      if (revision !== null) newest.set(content.audience, { revision, audience: content.audience, hash: content.hash });
    }
  }
  return new Map(
    wants.map((want) => {
      if (want.content === null || holdsIt(want)) return [want.device, want.held];
      // Where a signature is awaited, what its audience had until then is better than nothing.
      return [want.device, offered(want) ?? Math.max(want.held, newest.get(want.content.audience)?.revision ?? 0)];
    }),
  );
}

/** The reasons of waivers cannot be opened for now, or a policy not be read: desks keep what they have, and are heard all the same. */
function unlessOutOfReach({ onUnreadable }: OrderDeps): (error: unknown) => null {
  return (error) => {
    if (error instanceof UnreadablePolicy) onUnreadable(error);
    else if (!(error instanceof KeyUnavailable)) throw error;
    return null;
  };
}

function says(known: Known | undefined, { audience, hash }: Content): boolean {
  return known?.audience === audience && hash.equals(known.hash);
}

async function byRevision(tx: Tx, instance: DocumentInstance, kind: DocumentKind, wants: readonly Want[]): Promise<Map<number, Known>> {
  const revisions = [...new Set(wants.map(({ held }) => held))].filter((held) => held > 0);
  if (revisions.length === 0) return new Map();
  const rows = await tx
    .selectFrom('signed_document')
    .select(['revision', 'audience', 'content_hash as hash'])
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('revision', '=', sql<number>`any(${revisions}::bigint[])`)
    .execute();
  return new Map(rows.map((row) => [row.revision, row]));
}

async function byAudience(tx: Tx, instance: DocumentInstance, kind: DocumentKind, audiences: string[]): Promise<Map<string, Known>> {
  const rows = await tx
    .selectFrom('signed_document')
    .distinctOn('audience')
    .select(['revision', 'audience', 'content_hash as hash'])
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('audience', '=', sql<string>`any(${audiences}::text[])`)
    .orderBy('audience')
    .orderBy('revision', 'desc')
    .execute();
  return new Map(rows.map((row) => [row.audience, row]));
}

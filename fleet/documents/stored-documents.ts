import { type DocumentKind, SignedDocument } from '../../contracts/signed-document.ts';
import type { Tx } from '../db/tenancy.ts';
import { type DocumentInstance, fromRow, toRow } from './document-rows.ts';
import { currentKey, type IssuingDeps } from './issue.ts';
import { kidOf, signDocument } from './sign-document.ts';

/** As many as an answer may hold; a desk that lacks more asks again. */
const MAX_ANSWERED = 200;

/** Every rotation that the desk has not followed, oldest first. */
export async function rotationsAfter(deps: IssuingDeps, tx: Tx, instance: DocumentInstance, after: number): Promise<SignedDocument[]> {
  await currentKey(deps, tx, instance);
  const rows = await tx
    .selectFrom('signed_document')
    .select(['envelope', 'body_sealed'])
    .where('instance_id', '=', instance.id)
    .where('kind', '=', 'keys')
    .where('revision', '>', after)
    .orderBy('revision')
    .limit(MAX_ANSWERED)
    .execute();
  return Promise.all(rows.map((row) => fromRow(tx, deps.keyring, instance, SignedDocument, row)));
}

/** Newest revision of what is for every desk of the instance; 0 for none. */
export async function newestForAll(tx: Tx, instance: DocumentInstance, kind: 'keys' | 'allowlist'): Promise<number> {
  const newest = await tx
    .selectFrom('signed_document')
    .select('revision')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.revision ?? 0;
}

/**
 * The document, signed by the key that desks trust now: after a rotation they refuse what an earlier one has signed. Its body
 * and its revision stay, so that who holds it fetches nothing.
 */
export async function documentAt(
  deps: IssuingDeps,
  tx: Tx,
  instance: DocumentInstance,
  kind: Exclude<DocumentKind, 'keys'>,
  revision: number,
): Promise<SignedDocument | null> {
  const row = await tx
    .selectFrom('signed_document')
    .select(['audience', 'content_hash', 'envelope', 'body_sealed'])
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('revision', '=', revision)
    .executeTakeFirst();
  if (!row) return null;
  const document = await fromRow(tx, deps.keyring, instance, SignedDocument, row);
  const key = await currentKey(deps, tx, instance);
  if (kidOf(document.jws) === key.kid) return document;
  const { jws: _, body, ...claims } = document;
  if (key.privateKey === null) {
    const kept = await toRow(tx, deps.keyring, instance, { ...claims, body });
    const place = { tenant_id: instance.tenant, instance_id: instance.id, kind, revision, audience: row.audience };
    await tx
      .insertInto('unsigned_document')
      .values({ ...place, ...kept, content_hash: row.content_hash, kid: key.kid, asked_at: deps.now() })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'instance_id', 'kind', 'revision']).doNothing())
      .execute();
    return document;
  }
  const anew = signDocument(claims, body, key.kid, key.privateKey);
  await tx
    .updateTable('signed_document')
    .set(await toRow(tx, deps.keyring, instance, anew))
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('revision', '=', revision)
    .execute();
  return anew;
}

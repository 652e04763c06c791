import { type DocumentKind, KeySet, MAX_BODY_LENGTH } from '../../contracts/signed-document.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { contentHash } from './content-hash.ts';
import { type DocumentInstance, toRow } from './document-rows.ts';
import { signDocument } from './sign-document.ts';
import type { SigningKey, SigningKeys } from './signing-keys.ts';

export interface IssuingDeps {
  keys: SigningKeys;
  keyring: Keyring;
  now: () => Date;
}

/** What a document is to say, before it has a revision. */
export interface Content {
  kind: DocumentKind;
  /** A policy's id, the digest of a set of waivers, the id of a new signing key; empty: every desk of the instance. */
  audience: string;
  /** Of the body without its revision. */
  hash: Buffer;
  body(revision: number): unknown;
}

/**
 * A desk may hold more than was counted here, when the database went back to a backup. No more than this is believed at once:
 * one desk that lies must not use up the numbers of all.
 */
export const MAX_LEAP = 10_000;
/** So often within the hour what says the same is signed anew: one desk that lies must not fill the database either. */
const MOST_ANEW = 20;
const ANEW_MS = 60 * 60_000;

/**
 * Signs the content with a revision above every one of its kind in the instance, and above `above`; or gives the revision of
 * the newest of this audience where that says the same already. Null: it waits for its signature, or was signed too often. Within
 * one transaction policies come before allowlists, then waivers, and sealing keys last: each kind locks its counter until the end.
 */
export async function issueDocument(
  deps: IssuingDeps,
  tx: Tx,
  instance: DocumentInstance,
  content: Content,
  above = 0,
): Promise<number | null> {
  return issueWith(deps, tx, instance, content, await currentKey(deps, tx, instance), above);
}

/**
 * The key that signs for this instance: the last that its desks were led to. Leads them on first, where the deployment has
 * rotated since.
 */
export async function currentKey(deps: IssuingDeps, tx: Tx, instance: DocumentInstance): Promise<SigningKey> {
  const head = await headOf(tx, instance);
  if (head !== null && !deps.keys.all().some(({ kid }) => kid === head)) await deps.keys.refresh();
  const keys = deps.keys.all();
  let current = head === null ? keys[0] : keys.find(({ kid }) => kid === head);
  if (!current) throw new Error(`desks of instance ${instance.id} trust a signing key that is not here: ${head}`);
  for (const next of keys.slice(current.ordinal + 1)) {
    const issued = await issueWith(deps, tx, instance, rotationTo(next), current, 0);
    if (issued === null) break;
    current = next;
  }
  return current;
}

/** Id of the newest key that the instance's desks were told of; null: they have that of their enrolment. */
async function headOf(tx: Tx, instance: DocumentInstance): Promise<string | null> {
  const head = await tx
    .selectFrom('signed_document')
    .select('audience')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', 'keys')
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return head?.audience ?? null;
}

function rotationTo({ kid, x }: SigningKey): Content {
  const keys = [{ kid, x }];
  return { kind: 'keys', audience: kid, hash: contentHash({ keys }), body: (revision) => KeySet.parse({ schema: 1, revision, keys }) };
}

async function issueWith(
  deps: IssuingDeps,
  tx: Tx,
  instance: DocumentInstance,
  content: Content,
  key: SigningKey,
  above: number,
): Promise<number | null> {
  const { kind, audience, hash } = content;
  const last = await lockCounter(tx, instance, kind);
  // Only now, since another replica may have issued it while this one waited.
  const newest = await newestOf(tx, instance, content);
  if (newest && newest.revision > above && hash.equals(newest.content_hash)) return newest.revision;
  if (above > last + MAX_LEAP) return null;
  const since = new Date(deps.now().getTime() - ANEW_MS);
  // More than was ever counted; whoever holds what another audience had is served at once.
  const isClaim = above > last;
  if (isClaim && newest && hash.equals(newest.content_hash) && (await isSignedTooOften(tx, instance, content, since))) return null;
  if (key.privateKey === null) {
    const waiting = await waitingOf(tx, instance, content, key.kid);
    // Whoever signs needs longer than a desk that claims to hold ever more.
    if (waiting && (waiting.revision > above || (isClaim && waiting.asked_at > since))) return null;
  }

  const revision = Math.max(last, above) + 1;
  // Before anything is written: whoever cannot have it goes on in this transaction without.
  const body = JSON.stringify(await content.body(revision));
  if (body.length > MAX_BODY_LENGTH) throw new Error(`the ${kind} document has ${body.length} characters, ${MAX_BODY_LENGTH} are allowed`);
  await tx
    .updateTable('revision_counter')
    .set({ last: revision })
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .execute();
  const issuedAt = deps.now();
  const { alias, region } = instance;
  const claims = { schema: 1 as const, kind, revision, issuedAt: issuedAt.toISOString(), instance: { alias, region } };
  const place = { tenant_id: instance.tenant, instance_id: instance.id, kind, revision, audience, content_hash: hash };
  // What this audience still waits for says something else by now.
  await tx
    .deleteFrom('unsigned_document')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('audience', '=', audience)
    .execute();
  if (key.privateKey === null) {
    const row = await toRow(tx, deps.keyring, instance, { ...claims, body });
    await tx
      .insertInto('unsigned_document')
      .values({ ...place, ...row, kid: key.kid, asked_at: issuedAt })
      .execute();
    return null;
  }
  const row = await toRow(tx, deps.keyring, instance, signDocument(claims, body, key.kid, key.privateKey));
  await tx
    .insertInto('signed_document')
    .values({ ...place, ...row, issued_at: issuedAt })
    .execute();
  return revision;
}

/** The last number of this kind; a desk that holds more claims what was never counted here. */
export async function lastCounted(tx: Tx, instance: DocumentInstance, kind: DocumentKind): Promise<number> {
  const row = await tx
    .selectFrom('revision_counter')
    .select('last')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row?.last ?? 0;
}

async function lockCounter(tx: Tx, instance: DocumentInstance, kind: DocumentKind): Promise<number> {
  await tx
    .insertInto('revision_counter')
    .values({ tenant_id: instance.tenant, instance_id: instance.id, kind, last: 0 })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'instance_id', 'kind']).doNothing())
    .execute();
  const { last } = await tx
    .selectFrom('revision_counter')
    .select('last')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return last;
}

function newestOf(tx: Tx, instance: DocumentInstance, { kind, audience }: Content) {
  return tx
    .selectFrom('signed_document')
    .select(['revision', 'content_hash'])
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('audience', '=', audience)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
}

async function isSignedTooOften(tx: Tx, instance: DocumentInstance, { kind, audience }: Content, since: Date): Promise<boolean> {
  const row = await tx
    .selectFrom('signed_document')
    .select('issued_at')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('audience', '=', audience)
    .orderBy('revision', 'desc')
    .offset(MOST_ANEW - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined && row.issued_at > since;
}

function waitingOf(tx: Tx, instance: DocumentInstance, { kind, audience, hash }: Content, kid: string) {
  return tx
    .selectFrom('unsigned_document')
    .select(['revision', 'asked_at'])
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('audience', '=', audience)
    .where('content_hash', '=', hash)
    .where('kid', '=', kid)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
}

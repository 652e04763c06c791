import { sql } from 'kysely';
import type { DocumentKind } from '../../contracts/signed-document.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { type DocumentInstance, fromRow, toRow, UnsignedDocument } from './document-rows.ts';
import type { IssuingDeps } from './issue.ts';
import { isSignatureOf, type SigningInput, signingInputOf, withSignature } from './sign-document.ts';

/** What whoever holds the offline key signs: Ed25519 over `<header>.<payload>`. */
export interface AwaitedSignature extends SigningInput {
  kind: DocumentKind;
  revision: number;
  audience: string;
  kid: string;
  askedAt: Date;
}

const MAX_LISTED = 200;

/** In the order in which they are to be signed: a rotation comes before what the new key signs. */
export async function awaitedSignatures(deps: IssuingDeps, tx: Tx, instance: DocumentInstance): Promise<AwaitedSignature[]> {
  const rows = await tx
    .selectFrom('unsigned_document')
    .selectAll()
    .where('instance_id', '=', instance.id)
    .orderBy(sql`kind <> 'keys'`)
    .orderBy('asked_at')
    .orderBy('revision')
    .limit(MAX_LISTED)
    .execute();
  const awaited: AwaitedSignature[] = [];
  for (const row of rows) {
    const { body, ...claims } = await fromRow(tx, deps.keyring, instance, UnsignedDocument, row);
    const { kind, revision } = claims;
    awaited.push({ ...signingInputOf(claims, body, row.kid), kind, revision, audience: row.audience, kid: row.kid, askedAt: row.asked_at });
  }
  return awaited;
}

/** Takes the signature in; from now on desks get the document. */
export async function acceptSignature(
  deps: IssuingDeps,
  tx: Tx,
  instance: DocumentInstance,
  { kind, revision, signature }: { kind: DocumentKind; revision: number; signature: Uint8Array },
): Promise<void> {
  const row = await tx
    .selectFrom('unsigned_document')
    .selectAll()
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('revision', '=', revision)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'no signature is awaited for such a document');
  const key = await keyOf(deps, row.kid);
  const { body, ...claims } = await fromRow(tx, deps.keyring, instance, UnsignedDocument, row);
  const input = signingInputOf(claims, body, row.kid);
  if (!isSignatureOf(input, key.x, signature)) {
    throw new FleetFault('bad-request', `this is no signature of key "${row.kid}" over revision ${revision}`, { path: 'body.signature' });
  }
  const kept = await toRow(tx, deps.keyring, instance, withSignature(claims, body, input, signature));
  const place = { tenant_id: instance.tenant, instance_id: instance.id, kind, revision, audience: row.audience };
  await tx
    .insertInto('signed_document')
    .values({ ...place, ...kept, content_hash: row.content_hash, issued_at: deps.now() })
    // A document of before a rotation, signed anew.
    .onConflict((conflict) => conflict.columns(['tenant_id', 'instance_id', 'kind', 'revision']).doUpdateSet(kept))
    .execute();
  await tx
    .deleteFrom('unsigned_document')
    .where('instance_id', '=', instance.id)
    .where('kind', '=', kind)
    .where('revision', '=', revision)
    .execute();
}

async function keyOf({ keys }: IssuingDeps, kid: string) {
  const known = () => keys.all().find((key) => key.kid === kid);
  if (!known()) await keys.refresh();
  const key = known();
  if (!key) throw new Error(`the signing key ${kid} is not here`);
  return key;
}

import type { z } from 'zod';
import { type DocumentKind, SignedDocument } from '../../contracts/signed-document.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';

/** An instance of Connect: whose desks a document is for. */
export interface DocumentInstance {
  tenant: string;
  id: string;
  alias: string;
  region: string;
}

/** Null: there is no such instance in the transaction's tenant. */
export async function readInstance(tx: Tx, instance: string): Promise<DocumentInstance | null> {
  const row = await tx
    .selectFrom('instance')
    .select(['tenant_id as tenant', 'instance_id as id', 'alias', 'region'])
    .where('instance_id', '=', instance)
    .executeTakeFirst();
  return row ?? null;
}

/** A document that has its revision, and waits for its signature. */
export const UnsignedDocument = SignedDocument.omit({ jws: true });
export type UnsignedDocument = z.infer<typeof UnsignedDocument>;

const hasSecretBody = (kind: DocumentKind) => kind === 'waivers';
const placeOf = (kind: DocumentKind, revision: number) => ({ table: 'signed_document', row: `${kind}/${revision}`, field: 'body' });

/** As a row keeps it: the body of waivers, which tells reasons and names, is sealed. */
export async function toRow(
  tx: Tx,
  keyring: Keyring,
  { tenant, id }: DocumentInstance,
  document: UnsignedDocument,
): Promise<{ envelope: string; body_sealed: Buffer | null }> {
  const { kind, revision, body } = document;
  if (!hasSecretBody(kind)) return { envelope: JSON.stringify(document), body_sealed: null };
  const key = await keyring.key(tx, { tenant, instance: id }, 'identity');
  return { envelope: JSON.stringify({ ...document, body: '' }), body_sealed: key.seal(placeOf(kind, revision), body) };
}

export async function fromRow<S extends typeof SignedDocument | typeof UnsignedDocument>(
  tx: Tx,
  keyring: Keyring,
  { tenant, id }: Pick<DocumentInstance, 'tenant' | 'id'>,
  schema: S,
  row: { envelope: unknown; body_sealed: Buffer | null },
): Promise<z.output<S>> {
  const document = schema.parse(row.envelope) as z.output<S>;
  if (row.body_sealed === null) return document;
  const place = placeOf(document.kind, document.revision);
  const body = await keyring.open(tx, { tenant, instance: id }, 'identity', place, row.body_sealed);
  return { ...document, body: body.toString('utf8') };
}

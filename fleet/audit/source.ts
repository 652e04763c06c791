import { z } from 'zod';
import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';

const Source = z.object({ address: z.string(), userAgent: z.string() });
type Source = z.infer<typeof Source>;

/** Where a call came from names a person: sealed apart from the record, which so stays readable to who verifies the chain. */
export async function sealSource(
  keyring: Keyring,
  tx: Tx,
  tenant: string,
  eventId: string,
  { address, userAgent }: Source,
): Promise<Buffer> {
  const key = await keyring.key(tx, { tenant, instance: NIL_ID }, 'audit');
  return key.seal(placeOf(eventId), JSON.stringify({ address, userAgent }));
}

export async function openSource(keyring: Keyring, tx: Tx, tenant: string, eventId: string, sealed: Uint8Array): Promise<Source> {
  const plain = await keyring.open(tx, { tenant, instance: NIL_ID }, 'audit', placeOf(eventId), sealed);
  return Source.parse(JSON.parse(plain.toString('utf8')));
}

function placeOf(eventId: string) {
  return { table: 'audit_record', row: eventId, field: 'source_sealed' };
}

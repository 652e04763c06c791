import { z } from 'zod';
import { StoredSealingKey } from '../../contracts/console/encryption.ts';
import type { SealingKey } from '../../contracts/sealing.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';

/** As many as Amazon Connect allows, so that one can follow the other. */
const MOST_ACTIVE = 2;
/** Retired ones included; of more, those retired first are forgotten. */
const MOST_KEPT = 100;
const Stored = z.array(StoredSealingKey);

export async function readSealingKeys(tx: Tx, instance: string, lock = false): Promise<StoredSealingKey[]> {
  const query = tx.selectFrom('instance').select('sealing_keys').where('instance_id', '=', instance);
  const row = await (lock ? query.forUpdate() : query).executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing');
  return Stored.parse(row.sealing_keys);
}

/** What desks are to seal to: the newest that is not retired. */
export function currentSealingKey(stored: unknown): SealingKey | null {
  // Each is added at the end.
  const newest = Stored.parse(stored).findLast(({ retiredAt }) => retiredAt === null);
  if (!newest) return null;
  const { addedAt: _, retiredAt: __, ...key } = newest;
  return key;
}

export async function addSealingKey(tx: Tx, instance: string, key: SealingKey, now: Date): Promise<StoredSealingKey[]> {
  const before = await readSealingKeys(tx, instance, true);
  if (before.some(({ kid, x }) => kid === key.kid || x === key.x))
    throw new FleetFault('conflict', 'this key, or one of its name, was added before');
  if (before.filter(({ retiredAt }) => retiredAt === null).length >= MOST_ACTIVE) {
    throw new FleetFault('conflict', `${MOST_ACTIVE} keys are active: retire one first`);
  }
  const forgotten = before.length < MOST_KEPT ? null : before.find(({ retiredAt }) => retiredAt !== null);
  const kept = before.filter((one) => one !== forgotten);
  return write(tx, instance, [...kept, { ...key, addedAt: now.toISOString(), retiredAt: null }]);
}

export async function retireSealingKey(tx: Tx, instance: string, kid: string, now: Date): Promise<StoredSealingKey[]> {
  const before = await readSealingKeys(tx, instance, true);
  if (!before.some((key) => key.kid === kid)) throw new FleetFault('not-found', 'there is no such thing');
  return write(
    tx,
    instance,
    before.map((key) => (key.kid === kid && key.retiredAt === null ? { ...key, retiredAt: now.toISOString() } : key)),
  );
}

async function write(tx: Tx, instance: string, keys: StoredSealingKey[]): Promise<StoredSealingKey[]> {
  await tx
    .updateTable('instance')
    .set({ sealing_keys: JSON.stringify(keys) })
    .where('instance_id', '=', instance)
    .execute();
  return keys;
}

import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import type { KeyCalls } from './key-calls.ts';
import type { KeyRefusal } from './key-provider.ts';
import type { KeyOwner } from './place.ts';

/** Empty for what is of no region. An instance's region never changes: it is part of what every sealed value is bound to. */
export async function regionOf(tx: Tx, { tenant, instance }: KeyOwner): Promise<string> {
  if (instance === NIL_ID) return '';
  const row = await tx
    .selectFrom('instance')
    .select('region')
    .where('tenant_id', '=', tenant)
    .where('instance_id', '=', instance)
    .executeTakeFirst();
  if (!row) throw new Error('no keys without an instance: there is none of this id here');
  return row.region;
}

/** The key that new data keys are wrapped by; made where the owner has none yet. */
export async function currentKeyId(db: Db, owner: KeyOwner, calls: KeyCalls, now: Date): Promise<string> {
  const standing = await db.within(owner, (tx) => readCurrent(tx, owner));
  if (standing) return standing.key_id;
  const keyId = await calls.ownKey(null);
  return db.within(owner, async (tx) => {
    await tx
      .insertInto('instance_encryption')
      .values({ tenant_id: owner.tenant, instance_id: owner.instance, key_id: keyId, managed_by: 'provider', key_since: now })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'instance_id']).doNothing())
      .execute();
    // Another server may have been first.
    return (await readCurrent(tx, owner))?.key_id ?? keyId;
  });
}

/** Held until the end of the transaction: the key does not change under whoever wraps something by it. */
export function readCurrentHeld(tx: Tx, owner: KeyOwner) {
  return ofOwner(tx, owner).forShare().executeTakeFirst();
}

function readCurrent(tx: Tx, owner: KeyOwner) {
  return ofOwner(tx, owner).executeTakeFirst();
}

function ofOwner(tx: Tx, { tenant, instance }: KeyOwner) {
  return tx
    .selectFrom('instance_encryption')
    .select(['key_id', 'previous_key_id', 'status', 'update_status', 'message'])
    .where('tenant_id', '=', tenant)
    .where('instance_id', '=', instance);
}

export async function markKeyStatus(db: Db, owner: KeyOwner, keyId: string, refusal: KeyRefusal | null): Promise<void> {
  const status = refusal === null ? 'ACTIVE' : refusal === 'not-found' ? 'KEY_LOST' : 'KEY_UNAVAILABLE';
  await db.within(owner, (tx) =>
    tx
      .updateTable('instance_encryption')
      .set({ status })
      .where('tenant_id', '=', owner.tenant)
      .where('instance_id', '=', owner.instance)
      .where('key_id', '=', keyId)
      .where('status', '<>', status)
      .execute(),
  );
}

import { z } from 'zod';
import type { Db, Tx } from '../db/tenancy.ts';
import type { KeyOwner } from './place.ts';

export interface EncryptionStatus {
  keyId: string;
  managedBy: 'provider' | 'customer';
  status: 'ACTIVE' | 'KEY_UNAVAILABLE' | 'KEY_LOST';
  updateStatus: 'NONE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  message: string | null;
  oldKeyId: string | null;
  /** No data key needs the old key any more. */
  safeToRetireOldKey: boolean;
}

export const Grants = z.array(
  z.strictObject({ grantId: z.string(), keyId: z.string(), createdBy: z.string(), createdAt: z.iso.datetime() }),
);

/** Null where nothing was ever sealed for this owner and nobody chose a key. */
export async function readEncryption(tx: Tx, owner: KeyOwner): Promise<EncryptionStatus | null> {
  const row = await encryptionRow(tx, owner);
  if (!row) return null;
  const left = await tx
    .selectFrom('data_key')
    .select('id')
    .where('tenant_id', '=', owner.tenant)
    .where('instance_id', '=', owner.instance)
    .where('wrapped_by', '<>', row.key_id)
    .limit(1)
    .executeTakeFirst();
  return {
    keyId: row.key_id,
    managedBy: row.managed_by,
    status: row.status,
    updateStatus: row.update_status,
    message: row.message,
    oldKeyId: row.previous_key_id,
    safeToRetireOldKey: row.update_status === 'COMPLETED' && left === undefined,
  };
}

export async function statusOf(db: Db, owner: KeyOwner): Promise<EncryptionStatus> {
  const status = await db.within(owner, (tx) => readEncryption(tx, owner));
  if (!status) throw new Error('this instance has no key');
  return status;
}

export function encryptionRow(tx: Tx, owner: KeyOwner) {
  return tx
    .selectFrom('instance_encryption')
    .selectAll()
    .where('tenant_id', '=', owner.tenant)
    .where('instance_id', '=', owner.instance)
    .executeTakeFirst();
}

export function updateEncryption(tx: Tx, { tenant, instance }: KeyOwner) {
  return tx.updateTable('instance_encryption').where('tenant_id', '=', tenant).where('instance_id', '=', instance);
}

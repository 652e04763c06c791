import type { Db, Tx } from '../db/tenancy.ts';
import { type EncryptionStatus, encryptionRow, Grants, statusOf, updateEncryption } from './encryption-status.ts';
import { readCurrentHeld, regionOf } from './instance-key.ts';
import { type KeyCalls, keyCalls } from './key-calls.ts';
import type { KeyChangeDeps } from './key-change.ts';
import { KeyProviderError } from './key-provider.ts';
import { SERVICE, writeKeyUse } from './key-use.ts';
import type { KeyOwner } from './place.ts';

/**
 * Wraps every data key by the current key, one a transaction, so that it goes on where it was stopped; the plain key never
 * leaves the provider. Several servers at once share the work.
 */
export async function rewrap(deps: KeyChangeDeps, owner: KeyOwner): Promise<EncryptionStatus> {
  const region = await deps.db.within(owner, (tx) => regionOf(tx, owner));
  const callsIn = (tx: Tx) => keyCalls({ ...deps, owner, region, by: SERVICE, record: (use) => writeKeyUse(tx, use) });
  for (;;) {
    const step = await deps.db.within(owner, (tx) => rewrapOne(tx, owner, callsIn(tx)));
    if (step === 'done') break;
    if (step !== 'wrapped') {
      await endKeyChange(deps.db, owner, step.keyId, step.message);
      return statusOf(deps.db, owner);
    }
  }
  await complete(deps, owner, region);
  return statusOf(deps.db, owner);
}

type Step = 'wrapped' | 'done' | { keyId: string; message: string };

async function rewrapOne(tx: Tx, owner: KeyOwner, calls: KeyCalls): Promise<Step> {
  const current = await readCurrentHeld(tx, owner);
  if (current?.update_status !== 'IN_PROGRESS') return 'done';
  const keyId = current.key_id;
  const row = await tx
    .selectFrom('data_key')
    .select(['id', 'wrapped', 'wrapped_by'])
    .where('tenant_id', '=', owner.tenant)
    .where('instance_id', '=', owner.instance)
    .where('wrapped_by', '<>', keyId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (!row) return 'done';
  try {
    const wrapped = await calls.reEncrypt(row.wrapped, row.wrapped_by, keyId);
    await tx
      .updateTable('data_key')
      .set({ wrapped, wrapped_by: keyId })
      .where('tenant_id', '=', owner.tenant)
      .where('id', '=', row.id)
      .execute();
    return 'wrapped';
  } catch (error) {
    // Answered and not thrown, so that the record of the refusal is committed.
    if (!(error instanceof KeyProviderError)) throw error;
    if (error.code === 'invalid-ciphertext')
      return { keyId, message: `data key ${row.id} was not wrapped by ${row.wrapped_by} for this instance` };
    return { keyId, message: `${error.keyId === keyId ? 'new' : 'old'} key ${error.keyId} not accessible` };
  }
}

async function complete(deps: KeyChangeDeps, owner: KeyOwner, region: string): Promise<void> {
  const { db } = deps;
  const status = await statusOf(db, owner);
  const left = await db.within(owner, (tx) => wrappingKeys(tx, owner));
  // Another server still has one of them in hand, and completes it.
  if (status.updateStatus !== 'IN_PROGRESS' || left.some((keyId) => keyId !== status.keyId)) return;
  await endKeyChange(db, owner, status.keyId, null);
  const grants = Grants.parse((await db.within(owner, (tx) => encryptionRow(tx, owner)))?.grants ?? []);
  const calls = keyCalls({ ...deps, owner, region, by: SERVICE, record: (use) => db.within(owner, (tx) => writeKeyUse(tx, use)) });
  for (const { keyId, grantId } of grants) {
    if (keyId === status.keyId) continue;
    // The customer may have taken the key or the grant away already, as they may from here on.
    await calls.retireGrant(keyId, grantId).catch((error) => {
      if (!(error instanceof KeyProviderError)) throw error;
    });
  }
  const kept = JSON.stringify(grants.filter(({ keyId }) => keyId === status.keyId));
  await db.within(owner, (tx) => updateEncryption(tx, owner).set({ grants: kept }).where('key_id', '=', status.keyId).execute());
}

async function endKeyChange(db: Db, owner: KeyOwner, keyId: string, failure: string | null): Promise<void> {
  await db.within(owner, (tx) =>
    updateEncryption(tx, owner)
      .set({ update_status: failure === null ? 'COMPLETED' : 'FAILED', message: failure })
      .where('key_id', '=', keyId)
      .where('update_status', '=', 'IN_PROGRESS')
      .execute(),
  );
}

async function wrappingKeys(tx: Tx, owner: KeyOwner): Promise<string[]> {
  const rows = await tx
    .selectFrom('data_key')
    .select('wrapped_by')
    .distinct()
    .where('tenant_id', '=', owner.tenant)
    .where('instance_id', '=', owner.instance)
    .execute();
  return rows.map((row) => row.wrapped_by);
}

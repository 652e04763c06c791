import type { Db, Tx } from '../db/tenancy.ts';
import { type EncryptionStatus, encryptionRow, Grants, statusOf } from './encryption-status.ts';
import { currentKeyId, regionOf } from './instance-key.ts';
import { keyCalls } from './key-calls.ts';
import { type KeyDescription, type KeyProvider, KeyProviderError } from './key-provider.ts';
import { type KeyCaller, type KeyUse, SERVICE, writeKeyUse } from './key-use.ts';
import type { KeyOwner } from './place.ts';

export interface KeyChangeDeps {
  provider: KeyProvider;
  /** With connections of its own, as the keyring's. */
  db: Db;
  clock: () => Date;
  /** The server's workload identity, to which customers' keys are granted. */
  principal: string;
  /** Leaves no data key of the owner in memory: `wipe` of the keyring. */
  wipe(owner: KeyOwner): void;
}

/** The key was not changed, and the old one stays current. */
class KeyChangeRefused extends Error {
  override readonly name = 'KeyChangeRefused';
  readonly code: 'UnsupportedKeyType' | 'KeyDisabled' | 'WrongRegion' | 'KeyNotFound' | 'AccessDenied' | 'Unreachable' | 'UpdateInProgress';

  constructor(code: KeyChangeRefused['code'], detail: string) {
    super(detail);
    this.code = code;
  }
}

/**
 * Makes a key the current one, after which only `rewrap` is left to do: what is new is wrapped by it from here
 * on, what was before still opens by the old one. Of a change that failed, the same key tries again.
 */
export async function startKeyChange(deps: KeyChangeDeps, owner: KeyOwner, asked: string, by: KeyCaller): Promise<EncryptionStatus> {
  const { db, clock, principal } = deps;
  const region = await db.within(owner, (tx) => regionOf(tx, owner));
  const record = (use: KeyUse) => db.within(owner, (tx) => writeKeyUse(tx, use));
  const calls = keyCalls({ ...deps, owner, region, by: SERVICE, record });
  const before = await db.within(owner, (tx) => encryptionRow(tx, owner));
  const isCurrent = (id: string) => before?.key_id === id && before.update_status !== 'FAILED';
  if (isCurrent(asked)) return statusOf(db, owner);

  const description = await orRefused(calls.describeKey(asked));
  const { keyId } = description;
  if (isCurrent(keyId)) return statusOf(db, owner);
  if (before?.update_status === 'IN_PROGRESS') {
    throw new KeyChangeRefused('UpdateInProgress', `a change to ${before.key_id} is under way`);
  }
  refuseUnfit(description, region);
  const grants = Grants.parse(before?.grants ?? []);
  const isGranted = grants.some((grant) => grant.keyId === keyId);
  if (description.managedBy === 'customer' && !isGranted) {
    const grant = await orRefused(keyCalls({ ...deps, owner, region, by, record }).createGrant(keyId, principal));
    if (grant) grants.push({ ...grant, keyId, createdBy: by.principal, createdAt: clock().toISOString() });
  }
  const values = { key_id: keyId, managed_by: description.managedBy, grants: JSON.stringify(grants), message: null };
  const changed = await db.within(owner, (tx) => (before ? exchange(tx, before.key_id) : choose(tx)));
  if (!changed) throw new KeyChangeRefused('UpdateInProgress', 'another change of the key came first');
  deps.wipe(owner);
  return statusOf(db, owner);

  async function choose(tx: Tx): Promise<boolean> {
    const made = await tx
      .insertInto('instance_encryption')
      .values({ tenant_id: owner.tenant, instance_id: owner.instance, key_since: clock(), ...values })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return made.numInsertedOrUpdatedRows === 1n;
  }

  async function exchange(tx: Tx, oldKeyId: string): Promise<boolean> {
    const previous = oldKeyId === keyId ? {} : { previous_key_id: oldKeyId, key_since: clock() };
    const made = await tx
      .updateTable('instance_encryption')
      .set({ ...values, ...previous, update_status: 'IN_PROGRESS', status: 'ACTIVE' })
      .where('tenant_id', '=', owner.tenant)
      .where('instance_id', '=', owner.instance)
      .where('key_id', '=', oldKeyId)
      .where('update_status', '<>', 'IN_PROGRESS')
      .executeTakeFirst();
    return made.numUpdatedRows === 1n;
  }
}

/** The deployment's own key, followed by its successor. */
export async function rotateOwnKey(deps: KeyChangeDeps, owner: KeyOwner, by: KeyCaller): Promise<EncryptionStatus> {
  const { db, clock } = deps;
  const region = await db.within(owner, (tx) => regionOf(tx, owner));
  const calls = keyCalls({ ...deps, owner, region, by, record: (use) => db.within(owner, (tx) => writeKeyUse(tx, use)) });
  const current = await currentKeyId(db, owner, calls, clock());
  return startKeyChange(deps, owner, await calls.ownKey(current), by);
}

function refuseUnfit({ keyId, state, symmetric, region }: KeyDescription, wanted: string): void {
  if (!symmetric) throw new KeyChangeRefused('UnsupportedKeyType', `${keyId} is no symmetric key that encrypts and decrypts`);
  if (state !== 'enabled') throw new KeyChangeRefused('KeyDisabled', `${keyId} is ${state}`);
  if (region !== null && wanted !== '' && region !== wanted)
    throw new KeyChangeRefused('WrongRegion', `${keyId} is in ${region}, and the instance in ${wanted}`);
}

const refusals = {
  'access-denied': 'AccessDenied',
  'key-disabled': 'KeyDisabled',
  'not-found': 'KeyNotFound',
  'invalid-ciphertext': 'UnsupportedKeyType',
  unreachable: 'Unreachable',
} as const;

function orRefused<T>(call: Promise<T>): Promise<T> {
  return call.catch((error) => {
    throw error instanceof KeyProviderError ? new KeyChangeRefused(refusals[error.code], error.message) : error;
  });
}

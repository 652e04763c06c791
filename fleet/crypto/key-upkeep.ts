import { NIL_ID } from '../db/tenancy.ts';
import { markKeyStatus, regionOf } from './instance-key.ts';
import { keyCalls } from './key-calls.ts';
import { type KeyChangeDeps, rotateOwnKey } from './key-change.ts';
import { KeyProviderError } from './key-provider.ts';
import { SERVICE, writeKeyUse } from './key-use.ts';
import type { KeyOwner } from './place.ts';
import { rewrap } from './rewrap.ts';

const ROTATE_AFTER_MS = 365 * 24 * 60 * 60_000;

export interface KeyUpkeepDeps extends KeyChangeDeps {
  rotateAfterMs?: number;
  /** One owner's trouble keeps nobody else's keys from their upkeep. */
  onError(owner: KeyOwner, error: unknown): void;
}

/**
 * Asks keys that were out of use whether they are back, goes on with changes that were stopped, and follows the deployment's
 * own keys by new ones once a year. To be run at least once a minute, by any server.
 */
export async function keyUpkeep(deps: KeyUpkeepDeps): Promise<void> {
  const { db, clock, rotateAfterMs = ROTATE_AFTER_MS, onError } = deps;
  const tenants = [NIL_ID, ...(await db.tenants()).map(({ id }) => id)];
  for (const tenant of tenants) {
    const rows = await db.within({ tenant }, (tx) =>
      tx
        .selectFrom('instance_encryption')
        .select(['instance_id', 'key_id', 'status', 'update_status', 'managed_by', 'key_since'])
        .where('tenant_id', '=', tenant)
        .execute(),
    );
    for (const row of rows) {
      const owner = { tenant, instance: row.instance_id };
      const isDue = row.managed_by === 'provider' && clock().getTime() - row.key_since.getTime() >= rotateAfterMs;
      try {
        if (row.status !== 'ACTIVE') await probe(deps, owner, row.key_id);
        else if (row.update_status === 'IN_PROGRESS') await rewrap(deps, owner);
        else if (isDue && row.update_status !== 'FAILED') {
          await rotateOwnKey(deps, owner, SERVICE);
          await rewrap(deps, owner);
        }
      } catch (error) {
        onError(owner, error);
      }
    }
  }
}

/** Only what the key did unwrap shows that it can be used again: a description is given of a key that may not be. */
async function probe({ provider, db, clock }: KeyChangeDeps, owner: KeyOwner, keyId: string): Promise<void> {
  const { region, row } = await db.within(owner, async (tx) => ({
    region: await regionOf(tx, owner),
    row: await tx
      .selectFrom('data_key')
      .select('wrapped')
      .where('tenant_id', '=', owner.tenant)
      .where('instance_id', '=', owner.instance)
      .where('wrapped_by', '=', keyId)
      .limit(1)
      .executeTakeFirst(),
  }));
  const record: Parameters<typeof keyCalls>[0]['record'] = (use) => db.within(owner, (tx) => writeKeyUse(tx, use));
  const calls = keyCalls({ provider, clock, owner, region, by: SERVICE, record });
  try {
    if (row) (await calls.decrypt(keyId, row.wrapped)).fill(0);
    else await calls.generateDataKeyWithoutPlaintext(keyId);
    await markKeyStatus(db, owner, keyId, null);
  } catch (error) {
    if (!(error instanceof KeyProviderError)) throw error;
    await markKeyStatus(db, owner, keyId, error.code);
  }
}

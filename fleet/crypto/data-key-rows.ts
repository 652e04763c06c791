import { sql } from 'kysely';
import type { Tx } from '../db/tenancy.ts';
import { MAX_USES } from './key-cache.ts';
import type { DataClass, KeyOwner } from './place.ts';

/** 'index' is the owner's blind index key: one for ever, or nothing that was indexed before would be found. */
export type KeyClass = DataClass | 'index';

const MAX_AGE_MS = 30 * 24 * 60 * 60_000;
/** Half of what random nonces of 96 bits allow under one key. */
const MAX_KEY_USES = 2 ** 31;

export interface DataKeyRow {
  id: string;
  wrapped: Buffer;
  wrapped_by: string;
  created_at: Date;
}

const columns = ['id', 'wrapped', 'wrapped_by', 'created_at'] as const;

export function isDue(createdAt: Date, keyClass: KeyClass, now: Date): boolean {
  return keyClass !== 'index' && now.getTime() - createdAt.getTime() >= MAX_AGE_MS;
}

/** By its id, whatever its age; undefined where this owner has no such key of this class. */
export function readDataKey(tx: Tx, { tenant, instance }: KeyOwner, keyClass: KeyClass, id: string): Promise<DataKeyRow | undefined> {
  return tx
    .selectFrom('data_key')
    .select(columns)
    .where('tenant_id', '=', tenant)
    .where('instance_id', '=', instance)
    .where('data_class', '=', keyClass)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** The key to seal with now, with room for the uses of one unwrapping; undefined where a new one has to be made. */
export function takeDataKey(tx: Tx, owner: KeyOwner, keyClass: KeyClass, now: Date): Promise<DataKeyRow | undefined> {
  return tx
    .updateTable('data_key')
    .set({ uses: sql`uses + ${MAX_USES}` })
    .where('tenant_id', '=', owner.tenant)
    .where('id', '=', (query) => {
      const current = query
        .selectFrom('data_key')
        .select('id')
        .where('tenant_id', '=', owner.tenant)
        .where('instance_id', '=', owner.instance)
        .where('data_class', '=', keyClass)
        .where('retired_at', 'is', null)
        .orderBy('created_at', 'desc')
        .limit(1);
      if (keyClass === 'index') return current;
      return current.where('created_at', '>', new Date(now.getTime() - MAX_AGE_MS)).where('uses', '<=', MAX_KEY_USES - MAX_USES);
    })
    .returning(columns)
    .executeTakeFirst();
}

/**
 * Keeps a new key, after which older ones of its class only open; where another server kept one meanwhile, that one is
 * answered and this one is not kept.
 */
export async function keepDataKey(tx: Tx, owner: KeyOwner, keyClass: KeyClass, made: DataKeyRow): Promise<DataKeyRow> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`data-key ${owner.tenant} ${owner.instance} ${keyClass}`}, 0))`.execute(tx);
  const standing = await takeDataKey(tx, owner, keyClass, made.created_at);
  if (standing) return standing;
  await tx
    .updateTable('data_key')
    .set({ retired_at: made.created_at })
    .where('tenant_id', '=', owner.tenant)
    .where('instance_id', '=', owner.instance)
    .where('data_class', '=', keyClass)
    .where('retired_at', 'is', null)
    .execute();
  return tx
    .insertInto('data_key')
    .values({ ...made, tenant_id: owner.tenant, instance_id: owner.instance, data_class: keyClass, uses: MAX_USES })
    .returning(columns)
    .executeTakeFirstOrThrow();
}

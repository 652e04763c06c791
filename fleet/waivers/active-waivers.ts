import { sql } from 'kysely';
import type { Tx } from '../db/tenancy.ts';
import type { ActiveRelease, ActiveWaiver } from './waiver-set.ts';

/** Approved, not ended, and their time not over: of these desks, and of every group. */
export async function activeWaivers(tx: Tx, instance: string, devices: readonly string[], now: Date): Promise<ActiveWaiver[]> {
  return tx
    .selectFrom('waiver')
    .select(['id', 'device_id as device', 'group_id as group', 'rule', 'until'])
    .where('instance_id', '=', instance)
    .where('approved_at', 'is not', null)
    .where('ended_at', 'is', null)
    .where('until', '>', now)
    .where((eb) => eb.or([eb('group_id', 'is not', null), eb('device_id', '=', sql<string>`any(${[...devices]}::uuid[])`)]))
    .execute();
}

export async function activeReleases(tx: Tx, instance: string, now: Date): Promise<ActiveRelease[]> {
  return tx
    .selectFrom('group_release')
    .select(['id', 'group_id as group', 'until'])
    .where('instance_id', '=', instance)
    .where('approved_at', 'is not', null)
    .where('ended_at', 'is', null)
    .where('until', '>', now)
    .execute();
}

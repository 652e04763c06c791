import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Tx } from '../db/tenancy.ts';

/** Where a desk stands, by which policies and waivers find it. */
export interface DeskPlace {
  /** From the root to the desk's own group; empty without one. */
  path: readonly string[];
  tags: Readonly<Record<string, string>>;
}

export function deskPlaces(tx: Tx, instance: string, devices: readonly string[]): Promise<Map<string, DeskPlace>> {
  return placesOf(tx, instance, sql<SqlBool>`device.id = any(${devices}::uuid[])`);
}

/** Looks at every desk: for publishing, not for heartbeats. */
export function enrolledPlaces(tx: Tx, instance: string): Promise<Map<string, DeskPlace>> {
  return placesOf(tx, instance, sql<SqlBool>`device.status = 'enrolled'`);
}

/** Of an owned desk its owner's group counts, even where the owner has none. */
async function placesOf(tx: Tx, instance: string, which: RawBuilder<SqlBool>): Promise<Map<string, DeskPlace>> {
  const { rows } = await sql<{ id: string; path: string[] | null; tags: Record<string, string> }>`
    select device.id, hierarchy_group.path, device.tags
    from device
    left join account on account.tenant_id = device.tenant_id and account.id = device.owner_id
    left join hierarchy_group on hierarchy_group.tenant_id = device.tenant_id
      and hierarchy_group.id = case when device.owner_id is null then device.group_id else account.group_id end
    where device.instance_id = ${instance} and ${which}`.execute(tx);
  return new Map(rows.map(({ id, path, tags }) => [id, { path: path ?? [], tags }]));
}

import { z } from 'zod';
import type { ChangeDeskRequest, DeskPlacement } from '../../contracts/console/access-calls.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Actor } from './actor.ts';
import { mayChange, type Resource } from './decide.ts';
import { deviceFilter, userFilter } from './filter.ts';
import { pathOfGroup } from './hierarchy.ts';
import { demand } from './refusal.ts';

const StoredTags = z.record(z.string(), z.string());

/** Tags, group and owner of a desk: what access to it is decided by. Both what it was and what it becomes must be within reach (rule 9). */
export async function changeDesk(
  tx: Tx,
  actor: Actor,
  id: string,
  change: ChangeDeskRequest,
): Promise<{ rule: string; before: DeskPlacement; after: DeskPlacement }> {
  const row = await tx
    .selectFrom('device')
    .select(['id', 'tags', 'group_id', 'owner_id'])
    .where('id', '=', id)
    .where(deviceFilter(actor, 'Devices.View'))
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  const was = { tags: StoredTags.parse(row.tags), group: row.group_id, owner: row.owner_id };
  const becomes = { ...was, ...definedOf(change) };
  const ownerSeen = becomes.owner === was.owner || becomes.owner === null || (await seesAccount(tx, actor, becomes.owner));
  const before = await placed(tx, was);
  const after = await placed(tx, ownerSeen ? becomes : { ...becomes, owner: null, group: null });
  const rule = demand(mayChange(actor, 'Devices.Edit', before.resource, after.resource));
  // Only now, so that nobody learns from the answer which ids there are beyond their reach.
  if (!ownerSeen) throw new FleetFault('bad-request', 'there is no such account', { path: 'owner' });
  if (becomes.group !== null && (await pathOfGroup(tx, becomes.group)) === null) {
    throw new FleetFault('bad-request', 'there is no such group', { path: 'group' });
  }
  await tx
    .updateTable('device')
    .set({ tags: JSON.stringify(becomes.tags), group_id: becomes.group, owner_id: becomes.owner })
    .where('id', '=', id)
    .execute();
  return { rule, before: { id, ...was, effectiveGroup: before.group }, after: { id, ...becomes, effectiveGroup: after.group } };
}

/** What a decision on a desk looks at. */
export async function resourceOfDesk(
  tx: Tx,
  desk: { owner: string | null; group: string | null; tags: Record<string, string> },
): Promise<Resource> {
  return (await placed(tx, desk)).resource;
}

async function placed(tx: Tx, desk: { owner: string | null; group: string | null; tags: Record<string, string> }) {
  const group = desk.owner === null ? desk.group : await groupOfAccount(tx, desk.owner);
  const resource: Resource = { groupPath: await pathOfGroup(tx, group), tags: desk.tags };
  return { group, resource };
}

async function groupOfAccount(tx: Tx, account: string): Promise<string | null> {
  const row = await tx.selectFrom('account').select('group_id').where('id', '=', account).executeTakeFirst();
  return row?.group_id ?? null;
}

async function seesAccount(tx: Tx, actor: Actor, account: string): Promise<boolean> {
  const row = await tx
    .selectFrom('account')
    .select('id')
    .where('id', '=', account)
    .where(userFilter(actor, 'Users.View'))
    .executeTakeFirst();
  return row !== undefined;
}

function definedOf({ tags, group, owner }: ChangeDeskRequest): Partial<Pick<DeskPlacement, 'tags' | 'group' | 'owner'>> {
  return { ...(tags !== undefined && { tags }), ...(group !== undefined && { group }), ...(owner !== undefined && { owner }) };
}

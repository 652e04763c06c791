import { z } from 'zod';
import type { PageQuery } from '../../contracts/console/access-calls.ts';
import type { Tx } from '../db/tenancy.ts';
import { resourceOfAccount, seenAccount } from './account-state.ts';
import type { Actor } from './actor.ts';
import { may } from './decide.ts';
import { deviceFilter } from './filter.ts';
import { loadActor } from './load-actor.ts';
import { demand } from './refusal.ts';

const StoredTags = z.record(z.string(), z.string());

/** S4-18: which desks an account sees, and why, of those that the asker sees too. A disabled account sees none. */
export async function previewDesks(tx: Tx, actor: Actor, account: string, { limit, after }: PageQuery) {
  const rule = demand(may(actor, 'Users.View', await resourceOfAccount(tx, await seenAccount(tx, actor, account))));
  const other = await loadActor(tx, account, null);
  if (!other) return { rule, page: { items: [], next: null } };
  const rows = await tx
    .selectFrom('device')
    .leftJoin('account as owner', 'owner.id', 'device.owner_id')
    .leftJoin('hierarchy_group', (join) =>
      join.on((eb) =>
        eb(
          'hierarchy_group.id',
          '=',
          eb.case().when('device.owner_id', 'is', null).then(eb.ref('device.group_id')).else(eb.ref('owner.group_id')).end(),
        ),
      ),
    )
    .select(['device.id', 'device.tags', 'hierarchy_group.path'])
    .where(deviceFilter(actor, 'Devices.View'))
    .where(deviceFilter(other, 'Devices.View'))
    .$if(after !== undefined, (query) => query.where('device.id', '>', after ?? ''))
    .orderBy('device.id')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(({ id, tags, path }) => ({
    id,
    rule: may(other, 'Devices.View', { groupPath: path, tags: StoredTags.parse(tags) }).rule,
  }));
  return { rule, page: { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null } };
}

import type { Notice, NoticesQuery } from '../../contracts/console/rings.ts';
import type { Actor } from '../access/actor.ts';
import { deviceFilter } from '../access/filter.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { openHostName } from '../enrolment/host-name.ts';
import { pageOf, readMark } from '../enrolment/page.ts';
import { FleetFault } from '../http/fault.ts';

// A notice is its desk's (rule 7): whose scope has the desk now reads it. Their own doing is no news to anybody.

function noticesOf(tx: Tx, actor: Actor) {
  return tx
    .selectFrom('notice')
    .innerJoin('device', (join) => join.onRef('device.tenant_id', '=', 'notice.tenant_id').onRef('device.id', '=', 'notice.device_id'))
    .where(deviceFilter(actor, 'Devices.View'))
    .where('notice.made_by', 'is distinct from', actor.account);
}

export async function listNotices(tx: Tx, actor: Actor, keyring: Keyring, { limit, after, unread }: NoticesQuery) {
  const mark = readMark(after);
  const rows = await noticesOf(tx, actor)
    .leftJoin('notice_read', (join) =>
      join
        .onRef('notice_read.tenant_id', '=', 'notice.tenant_id')
        .onRef('notice_read.notice_id', '=', 'notice.id')
        .on('notice_read.account_id', '=', actor.account),
    )
    .select([
      'notice.id',
      'notice.at',
      'notice.ring_id',
      'notice.ring_name',
      'notice.made_by',
      'device.id as desk',
      'device.instance_id',
      'device.host_name_sealed',
      'notice_read.at as read_at',
    ])
    .$if(unread !== undefined, (query) => query.where('notice_read.at', 'is', null))
    .$if(mark !== null, (query) =>
      query.where((eb) => eb(eb.refTuple('notice.at', 'notice.id'), '<', eb.tuple(mark?.at ?? new Date(), mark?.id ?? ''))),
    )
    .orderBy('notice.at', 'desc')
    .orderBy('notice.id', 'desc')
    .limit(limit + 1)
    .execute();
  const page = pageOf(
    rows,
    limit,
    ({ at, id }) => ({ at, id }),
    (row) => row,
  );
  const items: Notice[] = [];
  for (const { id, at, ring_id, ring_name, made_by, desk, instance_id: instance, host_name_sealed, read_at } of page.items) {
    items.push({
      id,
      kind: 'relation-removed',
      at: at.toISOString(),
      desk: { id: desk, hostName: await openHostName(keyring, tx, { tenant: actor.tenant, instance }, desk, host_name_sealed) },
      ring: { id: ring_id, name: ring_name },
      by: made_by,
      readAt: read_at?.toISOString() ?? null,
    });
  }
  return { items, next: page.next };
}

/** For the caller alone; the first time counts. */
export async function markRead(tx: Tx, actor: Actor, id: string, now: Date): Promise<void> {
  const found = await noticesOf(tx, actor).select('notice.id').where('notice.id', '=', id).executeTakeFirst();
  if (!found) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  await tx
    .insertInto('notice_read')
    .values({ tenant_id: actor.tenant, instance_id: NIL_ID, notice_id: id, account_id: actor.account, at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

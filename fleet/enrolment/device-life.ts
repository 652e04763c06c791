import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { EnrolmentEntry, EnrolmentsAnswer, EnrolmentsQuery } from '../../contracts/console/enrolment.ts';
import type { Actor } from '../access/actor.ts';
import { may } from '../access/decide.ts';
import { resourceOfDesk } from '../access/desk-placement.ts';
import { deviceFilter } from '../access/filter.ts';
import type { Permission } from '../access/permission.ts';
import { demand } from '../access/refusal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { DeviceTable } from '../db/tables/desk-tables.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { openHostName } from './host-name.ts';
import { pageOf, readMark } from './page.ts';

const StoredTags = z.record(z.string(), z.string());
const MOST_DUPLICATES = 10;

type Status = DeviceTable['status'];

/** What may become of a desk, by whom, and from what. */
const steps = {
  approve: { permission: 'Devices.Approve', from: ['pending'], to: 'enrolled' },
  decline: { permission: 'Devices.Approve', from: ['pending'], to: 'declined' },
  /** Refused for good: stolen, or somebody else's. */
  revoke: { permission: 'Devices.Revoke', from: ['pending', 'enrolled', 'retired'], to: 'revoked' },
  /** Went out of service: its history stays until its retention ends. */
  retire: { permission: 'Devices.Retire', from: ['enrolled'], to: 'retired' },
} as const satisfies Record<string, { permission: Permission; from: readonly Status[]; to: Status }>;
export type DeviceStep = keyof typeof steps;

interface Asked {
  tx: Tx;
  actor: Actor;
  now: Date;
}

export async function takeStep(
  { tx, actor, now }: Asked,
  id: string,
  step: DeviceStep,
): Promise<{ status: Status; before: Status; rule: string }> {
  const { permission, from, to } = steps[step];
  const row = await tx
    .selectFrom('device')
    .select(['status', 'owner_id', 'group_id', 'tags', 'enrolled_at'])
    .where('id', '=', id)
    .where(deviceFilter(actor, 'Devices.View'))
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  const place = await resourceOfDesk(tx, { owner: row.owner_id, group: row.group_id, tags: StoredTags.parse(row.tags) });
  const rule = demand(may(actor, permission, place));
  if (!(from as readonly Status[]).includes(row.status)) {
    throw new FleetFault('conflict', `the desk is ${row.status}`, { rule });
  }
  const enrolled_at = step === 'approve' ? now : row.enrolled_at;
  await tx.updateTable('device').set({ status: to, status_changed_at: now, enrolled_at }).where('id', '=', id).execute();
  if (step === 'revoke') {
    await tx
      .updateTable('device_certificate')
      .set({ revoked_at: now })
      .where('device_id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
  }
  return { status: to, before: row.status, rule };
}

interface EnrolmentRow extends Omit<Selectable<DeviceTable>, 'release_secret_sealed' | 'host_name_index' | 'enrolled_at' | 'owner_id'> {
  same_host_name: string[] | null;
}

/** Desks by the state of their enrolment, the newest first; those that the actor may see and no others. */
export async function listEnrolments(
  { tx, actor }: Omit<Asked, 'now'>,
  keyring: Keyring,
  { limit, after, status }: EnrolmentsQuery,
): Promise<EnrolmentsAnswer> {
  const mark = readMark(after);
  // Only those that the actor may see: another's duplicate is not for him to know of.
  const sameHostName = sql<string[]>`array(select other.id from device as other
    where other.tenant_id = device.tenant_id and other.host_name_index = device.host_name_index and other.id <> device.id
      and other.status in ('pending', 'enrolled') and ${deviceFilter(actor, 'Devices.View', 'other')}
    order by other.created_at, other.id limit ${sql.lit(MOST_DUPLICATES)})`;
  const rows = await tx
    .selectFrom('device')
    .select(['tenant_id', 'instance_id', 'id', 'status', 'ticket_id', 'spki_hash', 'host_name_sealed', 'platform', 'group_id', 'tags'])
    .select(['key_reused_at', 'created_at', 'status_changed_at'])
    .select(sameHostName.as('same_host_name'))
    .where('status', '=', status)
    .where(deviceFilter(actor, 'Devices.View'))
    .$if(mark !== null, (query) => query.where(sql<boolean>`(created_at, id) < (${mark?.at ?? null}, ${mark?.id ?? null}::uuid)`))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const { items, next } = pageOf(
    rows,
    limit,
    (row) => ({ at: row.created_at, id: row.id }),
    (row) => row,
  );
  const entries: EnrolmentEntry[] = [];
  for (const row of items) entries.push(await entryOf(tx, keyring, row));
  return { items: entries, next };
}

async function entryOf(tx: Tx, keyring: Keyring, row: EnrolmentRow): Promise<EnrolmentEntry> {
  const owner = { tenant: row.tenant_id, instance: row.instance_id };
  return {
    device: row.id,
    instance: row.instance_id,
    status: row.status,
    hostName: await openHostName(keyring, tx, owner, row.id, row.host_name_sealed),
    platform: row.platform,
    ticket: row.ticket_id,
    group: row.group_id,
    tags: StoredTags.parse(row.tags),
    createdAt: row.created_at.toISOString(),
    statusChangedAt: row.status_changed_at.toISOString(),
    key: row.spki_hash.toString('hex'),
    duplicates: { sameHostName: row.same_host_name ?? [], keyReusedAt: row.key_reused_at?.toISOString() ?? null },
  };
}

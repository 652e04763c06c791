import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { GrantState, GrantsQuery, GroupReleaseView, WaiverView } from '../../contracts/console/waivers.ts';
import type { Actor } from '../access/actor.ts';
import { deviceFilter } from '../access/filter.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { groupsSeen } from './grant-scope.ts';
import { reasonPlace } from './waiver-content.ts';
import { targetOf } from './waivers.ts';

interface Life {
  tenant_id: string;
  instance_id: string;
  id: string;
  reason_sealed: Buffer;
  until: Date;
  requested_by: string | null;
  requested_at: Date;
  approved_by: string | null;
  approved_at: Date | null;
  ended_by: string | null;
  ended_at: Date | null;
}
type WaiverRow = Life & { device_id: string | null; group_id: string | null; rule: string };
type ReleaseRow = Life & { group_id: string };

interface Page<T> {
  items: T[];
  next: string | null;
}

interface Reading {
  tx: Tx;
  keyring: Keyring;
  actor: Actor;
  query: GrantsQuery;
  now: Date;
}

/** Newest first; of desks and groups that the actor sees. */
export async function listWaivers(reading: Reading): Promise<Page<WaiverView>> {
  const { tx, actor } = reading;
  const groups = await groupsSeen(tx, actor);
  const seen = sql<SqlBool>`(given.group_id = any(${groups}::uuid[]) or exists (
    select from device where device.tenant_id = given.tenant_id and device.id = given.device_id and ${deviceFilter(actor, 'Devices.View')}))`;
  const page = await readPage<WaiverRow>(reading, 'waiver', seen);
  const items: WaiverView[] = [];
  for (const row of page.items) items.push({ ...(await viewLife(reading, 'waiver', row)), target: targetOf(row), rule: row.rule });
  return { items, next: page.next };
}

export async function listReleases(reading: Reading): Promise<Page<GroupReleaseView>> {
  const groups = await groupsSeen(reading.tx, reading.actor);
  const page = await readPage<ReleaseRow>(reading, 'group_release', sql<SqlBool>`given.group_id = any(${groups}::uuid[])`);
  const items: GroupReleaseView[] = [];
  for (const row of page.items) items.push({ ...(await viewLife(reading, 'group_release', row)), group: row.group_id });
  return { items, next: page.next };
}

async function readPage<R extends Life>(
  { tx, query, now }: Reading,
  table: 'waiver' | 'group_release',
  seen: RawBuilder<SqlBool>,
): Promise<Page<R>> {
  const { instance, state, limit, after } = query;
  const conditions = [
    seen,
    ...(instance === undefined ? [] : [sql<SqlBool>`given.instance_id = ${instance}`]),
    ...(state === undefined ? [] : [stateSql(state, now)]),
    ...(after === undefined ? [] : [beforeSql(after)]),
  ];
  const { rows } = await sql<R>`
    select given.* from ${sql.table(table)} as given where ${sql.join(conditions, sql` and `)}
    order by given.requested_at desc, given.id desc limit ${limit + 1}`.execute(tx);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? `${last.requested_at.getTime()}_${last.id}` : null };
}

function beforeSql(cursor: string): RawBuilder<SqlBool> {
  const [, ms, id] = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(cursor) ?? [];
  if (ms === undefined || id === undefined) throw new FleetFault('bad-request', 'not a cursor of this list', { path: 'query.after' });
  return sql<SqlBool>`(given.requested_at, given.id) < (${new Date(Number(ms))}, ${id}::uuid)`;
}

function stateSql(state: GrantState, now: Date): RawBuilder<SqlBool> {
  const over = sql`(given.ended_at is not null or given.until <= ${now})`;
  if (state === 'ended') return sql<SqlBool>`${over}`;
  return sql<SqlBool>`not ${over} and given.approved_at is ${state === 'active' ? sql`not null` : sql`null`}`;
}

function stateOf({ ended_at: ended, until, approved_at: approved }: Life, now: Date): GrantState {
  if (ended !== null || until <= now) return 'ended';
  return approved === null ? 'requested' : 'active';
}

async function viewLife({ tx, keyring, now }: Reading, table: 'waiver' | 'group_release', row: Life) {
  const scope = { tenant: row.tenant_id, instance: row.instance_id };
  const reason = await keyring.open(tx, scope, 'identity', reasonPlace(table, row.id), row.reason_sealed);
  return {
    id: row.id,
    instance: row.instance_id,
    state: stateOf(row, now),
    reason: reason.toString('utf8'),
    until: row.until.toISOString(),
    requestedBy: row.requested_by,
    requestedAt: row.requested_at.toISOString(),
    approvedBy: row.approved_by,
    approvedAt: row.approved_at?.toISOString() ?? null,
    endedBy: row.ended_by,
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

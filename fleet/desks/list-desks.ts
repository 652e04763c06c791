import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { z } from 'zod';
import type { DesksAnswer, DesksExportRequest, DesksRequest } from '../../contracts/console/desks.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { hostNameIndex } from '../enrolment/host-name.ts';
import { CursorTime, readCursor, writeCursor } from './cursor.ts';
import { type DeskRow, deskColumns, type Reading, silentBefore, stateOfDevice, toEntry, visible } from './shown-desk.ts';

/** Severity, since when, and the id. */
const Place = z.tuple([z.int().min(0).max(3), CursorTime, z.uuid()]);

/** As the column of that name is computed. */
const severities = { blocked: 0, undetermined: 1, caution: 2, clear: 3 } as const;
/** Of a hundred thousand desks: with more, a page is full after a few thousand. */
const FEW = 2_000;

/** The worst first, and among equals those that have lasted longest; a silent desk stands where it last was. */
export async function listDesks(reading: Reading, keyring: Keyring, query: DesksRequest): Promise<DesksAnswer> {
  const { tx } = reading;
  const { limit } = query;
  const place = readCursor(Place, query.after);
  const conditions = [
    visible(reading),
    ...(await filters(reading, keyring, query)),
    ...(place === null
      ? []
      : [sql<SqlBool>`(s.severity, s.standing_since, s.device_id) > (${place[0]}::smallint, ${place[1]}::timestamptz, ${place[2]}::uuid)`]),
  ];
  const { rows } = await sql<DeskRow>`
    with page as materialized (
      select ${deskColumns} from ${stateOfDevice}
      where ${sql.join(conditions, sql` and `)}
      order by s.severity, s.standing_since, s.device_id limit ${limit + 1}
    )
    select page.*, g.name as "groupName" from page
    left join hierarchy_group g on g.tenant_id = ${reading.actor.tenant} and g.id = page."group"
    order by severity, since, page.id`.execute(tx);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = [];
  for (const row of shown) items.push(await toEntry(reading, keyring, row));
  const next = rows.length > limit && last ? writeCursor([last.severity, last.since.toISOString(), last.id]) : null;
  return { items, next };
}

export async function filters(reading: Reading, keyring: Keyring, query: DesksExportRequest): Promise<RawBuilder<SqlBool>[]> {
  const { standing, group, tagKey, tagValue = '', host, rule } = query;
  const conditions: RawBuilder<SqlBool>[] = [];
  const heardSince = silentBefore(reading.now);
  if (standing === 'silent') conditions.push(sql<SqlBool>`(s.heard_at is null or s.heard_at < ${heardSince})`);
  else if (standing !== undefined)
    conditions.push(sql<SqlBool>`s.severity = ${severities[standing]}::smallint and s.heard_at >= ${heardSince}`);
  if (group !== undefined) conditions.push(underGroup(group));
  if (tagKey !== undefined) conditions.push(await tagged(reading, JSON.stringify({ [tagKey]: tagValue })));
  if (host !== undefined) conditions.push(sql<SqlBool>`d.host_name_index = any(${await hostIndexes(reading, keyring, host)}::bytea[])`);
  if (rule !== undefined)
    conditions.push(sql<SqlBool>`exists (select from finding f where f.tenant_id = s.tenant_id and f.device_id = s.device_id
      and f.rule = ${rule} and f.kind in ('fail', 'degraded', 'unknown'))`);
  return conditions;
}

/**
 * Row-level security lets no index find what a document contains. With a tag that many desks have, the first page is soon full; one that
 * few have is looked for among all desks first, since by order every one of them would be visited with its state.
 */
async function tagged({ tx, actor }: Reading, tags: string): Promise<RawBuilder<SqlBool>> {
  const has = sql<SqlBool>`d.tags @> ${tags}::jsonb`;
  const { rows } = await sql<{ id: string }>`
    select d.id from device d where d.tenant_id = ${actor.tenant} and ${has} limit ${FEW + 1}`.execute(tx);
  return rows.length > FEW ? has : sql<SqlBool>`${has} and s.device_id = any(${rows.map(({ id }) => id)}::uuid[])`;
}

/** By the group that counts, the owner's before the desk's own. */
export function underGroup(group: string): RawBuilder<SqlBool> {
  const groups = sql`array(select h.id from hierarchy_group h where h.path @> array[${group}]::uuid[])`;
  return sql<SqlBool>`((d.owner_id is null and d.group_id = any(${groups}))
    or d.owner_id = any(array(select o.id from account o where o.group_id = any(${groups}))))`;
}

/** Each instance has its own: the same name looks different in each. */
async function hostIndexes({ tx, actor: { tenant } }: Reading, keyring: Keyring, host: string): Promise<Buffer[]> {
  const instances = await tx.selectFrom('instance').select('instance_id').where('tenant_id', '=', tenant).execute();
  const indexes: Buffer[] = [];
  for (const { instance_id: instance } of instances) indexes.push(await hostNameIndex(keyring, tx, { tenant, instance }, host));
  return indexes;
}

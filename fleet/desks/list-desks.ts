import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { z } from 'zod';
import type { DesksAnswer, DesksRequest } from '../../contracts/console/desks.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { hostNameIndex } from '../enrolment/host-name.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { type DeskRow, deskColumns, type Reading, silentBefore, stateOfDevice, toEntry, visible } from './shown-desk.ts';

/** Severity, since when, and the id. */
const Place = z.tuple([z.int().min(0).max(3), z.iso.datetime(), z.uuid()]);

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

async function filters(reading: Reading, keyring: Keyring, query: DesksRequest): Promise<RawBuilder<SqlBool>[]> {
  const { standing, group, tagKey, tagValue = '', host, rule } = query;
  const conditions: RawBuilder<SqlBool>[] = [];
  const heardSince = silentBefore(reading.now);
  if (standing === 'silent') conditions.push(sql<SqlBool>`(s.heard_at is null or s.heard_at < ${heardSince})`);
  else if (standing !== undefined) conditions.push(sql<SqlBool>`s.standing = ${standing} and s.heard_at >= ${heardSince}`);
  if (group !== undefined) conditions.push(underGroup(group));
  if (tagKey !== undefined) conditions.push(sql<SqlBool>`d.tags @> ${JSON.stringify({ [tagKey]: tagValue })}::jsonb`);
  if (host !== undefined) conditions.push(sql<SqlBool>`d.host_name_index = any(${await hostIndexes(reading, keyring, host)}::bytea[])`);
  if (rule !== undefined)
    conditions.push(sql<SqlBool>`exists (select from finding f where f.tenant_id = s.tenant_id and f.device_id = s.device_id
      and f.rule = ${rule} and f.kind in ('fail', 'degraded', 'unknown'))`);
  return conditions;
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

import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DeskEntry, ShownStanding } from '../../contracts/console/desks.ts';
import type { Actor } from '../access/actor.ts';
import { deviceFilter } from '../access/filter.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { openHostName } from '../enrolment/host-name.ts';
import { SILENT_MS } from '../intake/desk-memory.ts';

/** What all reads of desks need to know. `keyring` opens host names and details. */
export interface Reading {
  tx: Tx;
  actor: Actor;
  now: Date;
}

export interface DeskRow {
  id: string;
  instance: string;
  hostNameSealed: Buffer;
  platform: DeskEntry['platform'];
  tags: DeskEntry['tags'];
  group: string | null;
  groupName: string | null;
  lastStanding: DeskEntry['lastStanding'];
  severity: number;
  since: Date;
  blocksAt: Date | null;
  causes: string[];
  gate: DeskEntry['gate'];
  heardAt: Date | null;
  reportedAt: Date | null;
  agentVersion: string;
  duplicateSuspectedAt: Date | null;
}

/** A desk last heard before this is silent. */
export function silentBefore(now: Date): Date {
  return new Date(now.getTime() - SILENT_MS);
}

/** Rows of desk_state `s` and device `d` of enrolled desks that the actor may see: the one condition of all reads. */
export function visible({ actor }: Reading): RawBuilder<SqlBool> {
  return sql<SqlBool>`s.tenant_id = ${actor.tenant} and d.status = 'enrolled' and ${deviceFilter(actor, 'Devices.View', 'd')}`;
}

export const stateOfDevice = sql`desk_state s join device d on d.tenant_id = s.tenant_id and d.id = s.device_id`;

/** Columns of `DeskRow`, of `s`, `d` and a row `g` of the effective group. */
export const deskColumns = sql`s.device_id as id, s.instance_id as instance, d.host_name_sealed as "hostNameSealed", d.platform, d.tags,
  s.standing as "lastStanding", s.severity, s.standing_since as since, s.blocks_at as "blocksAt", s.causes, s.gate_state as gate,
  s.heard_at as "heardAt", s.reported_at as "reportedAt", s.agent_version as "agentVersion",
  s.duplicate_suspected_at as "duplicateSuspectedAt",
  case when d.owner_id is null then d.group_id else (
    select a.group_id from account a where a.tenant_id = d.tenant_id and a.id = d.owner_id) end as "group"`;

export async function toEntry({ tx, actor, now }: Reading, keyring: Keyring, row: DeskRow): Promise<DeskEntry> {
  const { id, instance, group, groupName, lastStanding, heardAt } = row;
  return {
    id,
    hostName: await openHostName(keyring, tx, { tenant: actor.tenant, instance }, id, row.hostNameSealed),
    platform: row.platform,
    group: group === null ? null : { id: group, name: groupName ?? '' },
    tags: row.tags,
    standing: shownStanding(lastStanding, heardAt, now),
    lastStanding,
    since: row.since.toISOString(),
    blocksAt: row.blocksAt?.toISOString() ?? null,
    causes: row.causes,
    gate: row.gate,
    heardAt: heardAt?.toISOString() ?? null,
    reportedAt: row.reportedAt?.toISOString() ?? null,
    agentVersion: row.agentVersion,
    duplicateSuspectedAt: row.duplicateSuspectedAt?.toISOString() ?? null,
  };
}

function shownStanding(last: DeskEntry['lastStanding'], heardAt: Date | null, now: Date): ShownStanding {
  return heardAt === null || heardAt < silentBefore(now) ? 'silent' : last;
}

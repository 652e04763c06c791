import { sql } from 'kysely';
import type { Tx } from '../db/tenancy.ts';
import type { DeskMemory, EpochMemory } from './desk-memory.ts';

/** Whose rows: a batch is of one instance. */
export interface InstanceScope {
  tenant: string;
  instance: string;
}

interface StateRow {
  device: string;
  heardAt: Date | null;
  saidAt: Date | null;
  standing: DeskMemory['standing'];
  standingSince: Date;
  gateState: string;
  causes: string[];
  reportedStanding: string | null;
  reportedGate: string | null;
  findingsDigest: string | null;
  verdictDigest: string | null;
  epoch: string | null;
  duplicateSuspectedAt: Date | null;
  wantFull: boolean;
  group: string | null;
}

/** What `jsonb` can hold: neither NUL nor half a surrogate pair, as of a text that a desk cut short. Base64 and hex have neither. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value).replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (found) => (found === '\\\\' ? found : '\\ufffd'));
}

/**
 * Locks the desks until the commit, always in the order of their ids: two batches that share desks wait for one another and never
 * in a circle. Desks without a state are not in the answer.
 */
export async function lockDesks(tx: Tx, { tenant }: InstanceScope, devices: readonly string[]): Promise<StateRow[]> {
  const { rows } = await sql<StateRow>`
    select s.device_id as device, s.heard_at as "heardAt", s.said_at as "saidAt", s.standing, s.standing_since as "standingSince",
      s.gate_state as "gateState", s.causes, s.reported_standing as "reportedStanding", s.reported_gate as "reportedGate",
      encode(s.findings_digest, 'hex') as "findingsDigest", encode(s.verdict_digest, 'hex') as "verdictDigest", s.epoch,
      s.duplicate_suspected_at as "duplicateSuspectedAt", s.want_full as "wantFull",
      case when d.owner_id is null then d.group_id else a.group_id end as "group"
    from desk_state s
    join device d on d.tenant_id = s.tenant_id and d.id = s.device_id
    left join account a on a.tenant_id = d.tenant_id and a.id = d.owner_id
    where s.tenant_id = ${tenant} and s.device_id = any(${devices}::uuid[])
    order by s.device_id
    for no key update of s`.execute(tx);
  return rows;
}

/** In a transaction of its own, before desks are locked: an insert in the midst of locks could wait in a circle. */
export async function beginDesks(tx: Tx, { tenant }: InstanceScope, devices: readonly string[], now: Date): Promise<void> {
  await sql`
    insert into desk_state (tenant_id, instance_id, device_id, agent_version, standing, standing_since, gate_state)
    select tenant_id, instance_id, id, '', 'undetermined', ${now}, 'open' from device
    where tenant_id = ${tenant} and id = any(${devices}::uuid[]) order by id
    on conflict do nothing`.execute(tx);
}

/** Of each desk the current epoch and the one that is named. Read after the lock, since the statement that waits for it sees the past. */
export async function readEpochs(
  tx: Tx,
  { tenant }: InstanceScope,
  wanted: readonly { device: string; epoch: string }[],
): Promise<Map<string, Map<string, EpochMemory>>> {
  const { rows } = await sql<{ device: string; epoch: string; seq: number; recent: string[] }>`
    select e.device_id as device, e.epoch, e.seq, e.recent
    from unnest(${wanted.map(({ device }) => device)}::uuid[], ${wanted.map(({ epoch }) => epoch)}::uuid[]) as w(device_id, epoch)
    join desk_epoch e on e.tenant_id = ${tenant} and e.device_id = w.device_id and e.epoch = w.epoch`.execute(tx);
  const byDevice = new Map<string, Map<string, EpochMemory>>();
  for (const { device, epoch, seq, recent } of rows) {
    const epochs = byDevice.get(device) ?? new Map<string, EpochMemory>();
    byDevice.set(device, epochs.set(epoch, { seq, recent }));
  }
  return byDevice;
}

export async function readFindingDigests(
  tx: Tx,
  { tenant }: InstanceScope,
  devices: readonly string[],
): Promise<Map<string, Map<string, string>>> {
  const byDevice = new Map<string, Map<string, string>>();
  if (devices.length === 0) return byDevice;
  // A row for each desk: taking a row in costs this process more than what stands in it.
  const { rows } = await sql<{ device: string; digests: Record<string, string> }>`
    select device_id as device, json_object_agg(rule, encode(digest, 'hex')) as digests from finding
    where tenant_id = ${tenant} and device_id = any(${devices}::uuid[]) group by device_id`.execute(tx);
  for (const { device, digests } of rows) byDevice.set(device, new Map(Object.entries(digests)));
  return byDevice;
}

export interface StateWrite {
  desk: DeskMemory;
  agentVersion: string;
  /** Undefined: by a heartbeat, which does not say. */
  reported?: { at: Date; blocksAt: string | null; epoch: EpochMemory };
}

/** Both tables by one statement. What is unchanged costs an update in place. */
export async function writeReportedStates(tx: Tx, { tenant, instance }: InstanceScope, writes: readonly StateWrite[]): Promise<void> {
  const records = writes.flatMap(({ desk, agentVersion, reported }) =>
    reported === undefined
      ? []
      : [
          {
            ...stateRecord(desk, agentVersion),
            reported_at: reported.at,
            blocks_at: reported.blocksAt,
            causes: desk.causes,
            reported_standing: desk.reportedStanding,
            reported_gate: desk.reportedGate,
            findings_digest: bytea(desk.findingsDigest),
            verdict_digest: bytea(desk.verdictDigest),
            epoch: desk.epoch,
            duplicate_suspected_at: desk.duplicateSuspectedAt,
            want_full: desk.wantFull,
            seq: reported.epoch.seq,
            recent: reported.epoch.recent,
          },
        ],
  );
  await sql`
    with n as (
      select * from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(
        device_id uuid, agent_version text, heard_at timestamptz, said_at timestamptz, standing text, standing_since timestamptz,
        gate_state text, reported_at timestamptz, blocks_at timestamptz, causes text[], reported_standing text, reported_gate text,
        findings_digest bytea, verdict_digest bytea, epoch uuid, duplicate_suspected_at timestamptz, want_full boolean,
        seq bigint, recent uuid[])
    ), counted as (
      insert into desk_epoch as e (tenant_id, instance_id, device_id, epoch, seq, recent, first_at, last_at)
      select ${tenant}, ${instance}, device_id, epoch, seq, recent, reported_at, reported_at from n
      on conflict (tenant_id, device_id, epoch) do update set seq = excluded.seq, recent = excluded.recent, last_at = excluded.last_at
    )
    update desk_state s set agent_version = n.agent_version, heard_at = n.heard_at, said_at = n.said_at, standing = n.standing,
      standing_since = n.standing_since, gate_state = n.gate_state, reported_at = n.reported_at, blocks_at = n.blocks_at,
      causes = n.causes, reported_standing = n.reported_standing, reported_gate = n.reported_gate,
      findings_digest = n.findings_digest, verdict_digest = n.verdict_digest, epoch = n.epoch,
      duplicate_suspected_at = n.duplicate_suspected_at, want_full = n.want_full
    from n where s.tenant_id = ${tenant} and s.device_id = n.device_id`.execute(tx);
}

export async function writeHeardStates(tx: Tx, { tenant }: InstanceScope, writes: readonly StateWrite[]): Promise<void> {
  const records = writes.map(({ desk, agentVersion }) => stateRecord(desk, agentVersion));
  await sql`
    update desk_state s set agent_version = n.agent_version, heard_at = n.heard_at, said_at = n.said_at, standing = n.standing,
      standing_since = n.standing_since, gate_state = n.gate_state
    from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(device_id uuid, agent_version text, heard_at timestamptz,
      said_at timestamptz, standing text, standing_since timestamptz, gate_state text)
    where s.tenant_id = ${tenant} and s.device_id = n.device_id`.execute(tx);
}

function stateRecord(desk: DeskMemory, agentVersion: string) {
  return {
    device_id: desk.device,
    agent_version: agentVersion,
    heard_at: desk.heardAt,
    said_at: desk.saidAt,
    standing: desk.standing,
    standing_since: desk.standingSince,
    gate_state: desk.gateState,
  };
}

/** As PostgreSQL reads bytes. */
function bytea(hex: string | null): string | null {
  return hex === null ? null : `\\x${hex}`;
}

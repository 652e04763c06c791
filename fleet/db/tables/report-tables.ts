import type { Generated, GeneratedAlways } from 'kysely';
import type { Bytes, Instant, Json, NullableBytes, NullableInstant } from './column-types.ts';

export interface DeskStateTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  agent_version: string;
  heard_at: NullableInstant;
  said_at: NullableInstant;
  reported_at: NullableInstant;
  findings_digest: NullableBytes;
  verdict_digest: NullableBytes;
  standing: 'clear' | 'caution' | 'blocked' | 'undetermined';
  severity: GeneratedAlways<number>;
  standing_since: Instant;
  blocks_at: NullableInstant;
  gate_state: string;
  causes: Generated<string[]>;
  reported_standing: string | null;
  reported_gate: string | null;
  epoch: string | null;
  duplicate_suspected_at: NullableInstant;
  want_full: Generated<boolean>;
}

export interface DeskVerdictTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  verdict: Json;
  gate: Json;
  allowlist: Json;
  platform: string;
  made_at: Instant;
}

export interface DeskHeartbeatTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  gate: Json;
  held: Json;
  health: Json;
  refused: Json;
}

export interface DeskEpochTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  epoch: string;
  seq: number;
  recent: string[];
  first_at: Instant;
  last_at: Instant;
}

export interface FindingTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  rule: string;
  check_id: string;
  revision: number;
  venue: string;
  vantage: string;
  kind: 'pass' | 'degraded' | 'fail' | 'unknown' | 'not-applicable';
  code: string | null;
  detail_sealed: Bytes;
  digest: Bytes;
  partial: boolean;
  judged: boolean;
  observed_at: Instant;
  since: Instant;
  last_pass_at: NullableInstant;
}

export interface FindingChangeTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  device_id: string;
  rule: string;
  check_id: string;
  kind: string;
  code: string | null;
  detail_sealed: Bytes;
  observed_at: Instant;
  received_at: Instant;
  group_id: string | null;
  report_id: string;
}

export interface StandingChangeTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  device_id: string;
  standing: string;
  was: string | null;
  gate_state: string;
  causes: Json;
  at: Instant;
  received_at: Instant;
  group_id: string | null;
}

export interface ReleaseRecordTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  device_id: string;
  released_by: string;
  uid: number;
  from_at: Instant;
  until_at: Instant;
  received_at: Instant;
}

export interface SealedFieldsTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  jwe: string | null;
  received_at: NullableInstant;
  refused_at: NullableInstant;
}

export interface DeskDayTable {
  tenant_id: string;
  instance_id: string;
  device_id: string;
  day: string;
  clear_sec: number;
  caution_sec: number;
  blocked_sec: number;
  undetermined_sec: number;
  changes: number;
}

import type { Generated } from 'kysely';
import type { Bytes, Instant, NullableBytes, NullableInstant, NullableJson } from './column-types.ts';

export interface AuditHeadTable {
  tenant_id: string;
  instance_id: Generated<string>;
  seq: number;
  hash: Bytes;
  anchor_seq: Generated<number>;
  anchor_hash: Bytes;
}

export interface AuditTargetTable {
  tenant_id: string;
  instance_id: string;
  type: string;
  id: string;
  seq: number;
}

export interface AuditRecordTable {
  tenant_id: string;
  instance_id: string;
  seq: number;
  at: Instant;
  actor: string;
  action: string;
  record: string;
  source_sealed: NullableBytes;
  hash: Bytes;
}

export interface JobRunTable {
  tenant_id: string;
  instance_id: string;
  job: string;
  day: string;
  started_at: Instant;
  finished_at: NullableInstant;
  outcome: NullableJson;
}

import type { Bytes, Instant, Json, NullableBytes, NullableInstant, NullableJson } from './column-types.ts';

export interface PolicyRevisionTable {
  tenant_id: string;
  instance_id: string;
  policy_id: string;
  revision: number;
  source: string;
  resolved: Json;
  content_hash: Bytes;
  created_by: string | null;
  created_at: Instant;
  published_by: string | null;
  published_at: NullableInstant;
  accepted_blocks: number | null;
}

export interface PolicyAssignmentTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  policy_id: string;
  group_id: string | null;
  tag_key: string | null;
  tag_value: string | null;
  priority: number;
}

export interface SignedDocumentTable {
  tenant_id: string;
  instance_id: string;
  kind: string;
  revision: number;
  audience: string;
  content_hash: Bytes;
  envelope: Json;
  body_sealed: NullableBytes;
  issued_at: Instant;
}

export interface UnsignedDocumentTable {
  tenant_id: string;
  instance_id: string;
  kind: string;
  revision: number;
  audience: string;
  content_hash: Bytes;
  kid: string;
  envelope: Json;
  body_sealed: NullableBytes;
  asked_at: Instant;
}

export interface WaiverTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  device_id: string | null;
  group_id: string | null;
  rule: string;
  reason_sealed: Bytes;
  requested_by: string | null;
  requested_at: Instant;
  approved_by: string | null;
  approved_at: NullableInstant;
  until: Instant;
  ended_at: NullableInstant;
  ended_by: string | null;
}

export interface GroupReleaseTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  group_id: string;
  reason_sealed: Bytes;
  until: Instant;
  requested_by: string;
  requested_at: Instant;
  approved_by: string | null;
  approved_at: NullableInstant;
  ended_at: NullableInstant;
  ended_by: string | null;
}

export interface AllowlistRevisionTable {
  tenant_id: string;
  instance_id: string;
  revision: number;
  body: Json;
  content_hash: Bytes;
  sync_token: string;
  diff: Json;
  status: 'seen' | 'published' | 'superseded';
  seen_at: Instant;
  due_at: NullableInstant;
  published_at: NullableInstant;
  published_by: string | null;
}

export interface AllowlistFeedTable {
  tenant_id: string;
  instance_id: string;
  state: NullableJson;
  etag: string | null;
  checked_at: NullableInstant;
  used_at: NullableInstant;
  fault: NullableJson;
  claimed_until: NullableInstant;
}

export interface PolicyPreviewTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  policy_id: string;
  content_hash: Bytes;
  status: 'running' | 'done' | 'failed';
  complete: boolean;
  summary: Json;
  made_by: string | null;
  made_at: Instant;
}

export interface PolicyPreviewDeskTable {
  tenant_id: string;
  instance_id: string;
  preview_id: string;
  device_id: string;
  before: string;
  after: string;
  why: Json;
}

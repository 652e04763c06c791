import type { Generated } from 'kysely';
import type { Bytes, DefaultJson, Instant, NullableBytes, NullableInstant } from './column-types.ts';

export interface TicketTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  secret_hash: Bytes;
  max_uses: number;
  used: Generated<number>;
  expires_at: Instant;
  cidrs: Generated<string[]>;
  group_id: string | null;
  tags: DefaultJson;
  approval: 'automatic' | 'manual';
  created_by: string;
  created_at: Instant;
  revoked_at: NullableInstant;
}

export interface DeviceTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  status: 'pending' | 'enrolled' | 'declined' | 'revoked' | 'retired';
  ticket_id: string | null;
  spki_hash: Bytes;
  host_name_sealed: Bytes;
  host_name_index: Bytes;
  platform: 'win32' | 'darwin' | 'linux';
  owner_id: string | null;
  group_id: string | null;
  tags: DefaultJson;
  release_secret_sealed: NullableBytes;
  enrolled_at: NullableInstant;
  key_reused_at: NullableInstant;
  created_at: Instant;
  status_changed_at: Instant;
}

export interface DeviceCertificateTable {
  tenant_id: string;
  instance_id: string;
  serial: string;
  device_id: string;
  not_before: Instant;
  not_after: Instant;
  revoked_at: NullableInstant;
}

export interface DenyEntryTable {
  tenant_id: string;
  instance_id: string;
  kind: 'address' | 'device' | 'account';
  subject: string;
  because: string;
  at: Instant;
  until: Instant;
}

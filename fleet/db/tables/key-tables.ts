import type { Generated } from 'kysely';
import type { Bytes, DefaultJson, Instant, Json, NullableBytes, NullableInstant } from './column-types.ts';

export interface DataKeyTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  data_class: string;
  wrapped: Bytes;
  wrapped_by: string;
  uses: Generated<number>;
  created_at: Instant;
  retired_at: NullableInstant;
}

export interface InstanceEncryptionTable {
  tenant_id: string;
  instance_id: string;
  key_id: string;
  managed_by: 'provider' | 'customer';
  key_since: Instant;
  previous_key_id: string | null;
  status: Generated<'ACTIVE' | 'KEY_UNAVAILABLE' | 'KEY_LOST'>;
  update_status: Generated<'NONE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED'>;
  message: string | null;
  grants: DefaultJson;
}

export interface KeyUseTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  at: Instant;
  record: Json;
}

export interface AuthorityTable {
  tenant_id: string;
  instance_id: string;
  certificate: string;
  key_sealed: Bytes;
  created_at: Instant;
}

export interface SigningKeyTable {
  tenant_id: string;
  instance_id: string;
  kid: string;
  public_x: string;
  private_sealed: NullableBytes;
  ordinal: number;
  created_at: Instant;
  retired_at: NullableInstant;
}

import type { Generated } from 'kysely';
import type { Bytes, DefaultJson, Instant, NullableBytes, NullableInstant, NullableJson } from './column-types.ts';

export interface HierarchyGroupTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  parent_id: string | null;
  level: number;
  name: string;
  path: string[];
}

export interface SecurityProfileTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  name: string;
  is_default: Generated<boolean>;
  permissions: Generated<string[]>;
  access_control: NullableJson;
  tags: DefaultJson;
  created_at: Instant;
}

export interface AccountTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  kind: 'local' | 'oidc' | 'service';
  name_sealed: Bytes;
  name_index: Bytes;
  password: string | null;
  totp_sealed: NullableBytes;
  totp_step: number | null;
  subject_index: NullableBytes;
  made_by_sign_in: Generated<boolean>;
  group_id: string | null;
  tags: DefaultJson;
  conditions: DefaultJson;
  created_at: Instant;
  disabled_at: NullableInstant;
}

export interface AccountProfileTable {
  tenant_id: string;
  instance_id: string;
  account_id: string;
  profile_id: string;
}

export interface SessionTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  account_id: string;
  token_hash: Bytes;
  mfa: NullableJson;
  reason_sealed: NullableBytes;
  created_at: Instant;
  used_at: Instant;
  expires_at: Instant;
  ended_at: NullableInstant;
}

export interface SignInLinkTable {
  tenant_id: string;
  instance_id: string;
  token_hash: Bytes;
  account_id: string;
  expires_at: Instant;
  used_at: NullableInstant;
}

export interface SignInAttemptTable {
  tenant_id: string;
  instance_id: string;
  token_hash: Bytes;
  state: string;
  nonce: string;
  code_verifier: string;
  return_path: string;
  fresh: boolean;
  expires_at: Instant;
  used_at: NullableInstant;
}

import type { Generated } from 'kysely';
import type { DefaultInstant, DefaultJson, Json, NullableInstant } from './column-types.ts';

export interface TenantTable {
  id: string;
  slug: string;
  created_at: DefaultInstant;
}

export interface TenantSettingsTable {
  tenant_id: string;
  instance_id: Generated<string>;
  name: string;
  region: string;
  retention: Json;
  guardrails: DefaultJson;
  max_granular_profiles: Generated<number>;
  profile_lint: Generated<'warn' | 'strict'>;
  publish_two_person: Generated<boolean>;
  default_approval: Generated<'automatic' | 'manual'>;
  allowlist_approval: Generated<'automatic' | 'manual'>;
}

export interface InstanceTable {
  tenant_id: string;
  instance_id: string;
  alias: string;
  region: string;
  sealing_keys: DefaultJson;
  assigned_at: NullableInstant;
  created_at: DefaultInstant;
}

export interface RevisionCounterTable {
  tenant_id: string;
  instance_id: string;
  kind: 'policy' | 'allowlist' | 'waivers' | 'sealing' | 'keys';
  last: number;
}

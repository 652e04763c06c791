import type { AccessControl, Guardrail } from '../../contracts/console/access.ts';
import type { Permission } from './permission.ts';

export type { Guardrail } from '../../contracts/console/access.ts';

/** Of the decision rule: goes with each decision into the audit. */
export const ACL_VERSION = 1;

export interface Profile {
  id: string;
  name: string;
  isDefault: boolean;
  /** As stored: what another one implies was written out when the profile was saved. */
  permissions: readonly Permission[];
  /** Null: enforces no granular control on anything. */
  accessControl: AccessControl | null;
}

/** A group with its ancestors, from the root to itself. */
export interface Group {
  id: string;
  path: readonly string[];
}

/** Of a service's token: the group that a resource must have at a level, 1 to 5. All must hold. */
export interface LevelCondition {
  level: number;
  group: string;
}

/** Who calls, with the rights of this moment: loaded anew for each request. */
export interface Actor {
  /** operator: the command line on the server itself, which may do everything. */
  kind: 'account' | 'operator' | 'nobody';
  account: string;
  tenant: string;
  session: string | null;
  group: Group | null;
  tags: Readonly<Record<string, string>>;
  /** In the order in which `acl.rule4.p2` counts them, from 1. */
  profiles: readonly Profile[];
  conditions: readonly LevelCondition[];
  /** When a second factor was last shown in this session. */
  mfaAt: Date | null;
  /** People show one, services have no hands. */
  mfaRequired: boolean;
  guardrails: readonly Guardrail[];
  maxGranularProfiles: number;
}

const rightless = {
  session: null,
  group: null,
  tags: {},
  profiles: [],
  conditions: [],
  mfaAt: null,
  mfaRequired: false,
  guardrails: [],
  maxGranularProfiles: 2,
} as const;

export function operatorOf(tenant: string): Actor {
  return { ...rightless, kind: 'operator', account: 'operator', tenant };
}

export function nobodyIn(tenant: string): Actor {
  return { ...rightless, kind: 'nobody', account: 'nobody', tenant };
}

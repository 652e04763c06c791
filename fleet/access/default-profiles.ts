import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { AccessControl } from '../../contracts/console/access.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { type Permission, permissions, withImplied } from './permission.ts';

export type DefaultProfileName = 'FleetAdmin' | 'SecurityAuditor' | 'Supervisor' | 'Agent' | 'Operator' | 'BreakGlass';

export interface DefaultProfile {
  permissions: readonly Permission[];
  accessControl: AccessControl | null;
}

// The auditor's own duties, and those of whoever sits at a desk: administrators hand them out and do not hold them.
const notForAdmin: readonly Permission[] = ['Audit.Export', 'LegalHold.Set', 'Ccp.Access', 'Ccp.Recheck', 'SupportBundle.Create'];

export const defaultProfiles: Readonly<Record<DefaultProfileName, DefaultProfile>> = {
  FleetAdmin: {
    permissions: (Object.keys(permissions) as Permission[]).filter((permission) => !notForAdmin.includes(permission)),
    accessControl: null,
  },
  SecurityAuditor: {
    permissions: withImplied([
      'Devices.View',
      'Tickets.View',
      'Policies.View',
      'Rings.View',
      'RolloutSchedule.View',
      'AllowList.View',
      'Users.View',
      'SecurityProfiles.View',
      'Hierarchy.View',
      'Analytics.Access',
      'EventSearch.View',
      'SavedReports.View',
      'AlertRules.View',
      'ChangeHistory.View',
      'Audit.Export',
      'Encryption.View',
      'Federation.View',
      'Guardrails.View',
      'LegalHold.Set',
      'Tenant.View',
    ]),
    accessControl: null,
  },
  Supervisor: {
    permissions: withImplied(['Devices.View', 'Waivers.Request', 'Ccp.Recheck', 'LiveBoard.Access']),
    accessControl: {
      hierarchy: { mode: 'own' },
      hierarchyRestrictedResources: ['Device'],
      tags: {},
      tagRestrictedResources: [],
    },
  },
  Agent: { permissions: ['Ccp.Access', 'SupportBundle.Create'], accessControl: null },
  Operator: {
    permissions: withImplied(['Encryption.Change', 'Federation.Edit', 'Guardrails.Edit', 'Retention.View', 'Tenant.Edit']),
    accessControl: null,
  },
  BreakGlass: {
    permissions: withImplied([
      'Devices.View',
      'Devices.ReleaseCode',
      'GroupRelease.Request',
      'LiveBoard.Access',
      'Users.Edit',
      'Users.EditPermission',
      'Federation.Edit',
      'Audit.View',
    ]),
    accessControl: null,
  },
};

/** Writes the default profiles as this version has them; ids stay. To be called for a new tenant and after each migration. */
export async function seedDefaultProfiles(tx: Tx, tenant: string): Promise<void> {
  const rows = Object.entries(defaultProfiles).map(([name, profile]) => ({
    tenant_id: tenant,
    instance_id: NIL_ID,
    id: randomUUID(),
    name,
    is_default: true,
    permissions: [...profile.permissions],
    access_control: profile.accessControl && JSON.stringify(profile.accessControl),
    created_at: sql<Date>`now()`,
  }));
  await tx
    .insertInto('security_profile')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['tenant_id', 'name'])
        .doUpdateSet((eb) => ({ permissions: eb.ref('excluded.permissions'), access_control: eb.ref('excluded.access_control') }))
        .where('security_profile.is_default', '=', true),
    )
    .execute();
}

/** Whoever has nothing but the default Agent profile sees nobody else's desk, and may do without a second factor. */
export function needsSecondFactor(profiles: readonly { name: string; isDefault: boolean }[]): boolean {
  return profiles.length === 0 || profiles.some(({ name, isDefault }) => !isDefault || name !== 'Agent');
}

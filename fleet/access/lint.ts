import type { AccessControl } from '../../contracts/console/access.ts';
import { enforcesOn } from './decide.ts';
import { type Permission, permissions, type ResourceType, viewOf } from './permission.ts';

export interface ProfileWarning {
  code: 'unsafe-module' | 'escalation' | 'agent-with-admin' | 'dangling-group';
  permission: Permission | null;
}

interface Draft {
  permissions: readonly Permission[];
  accessControl: AccessControl | null;
}

// Filtered by construction: its counts are those of visible desks (E33).
const safeModules: readonly Permission[] = ['LiveBoard.Access'];

// Whoever holds one of these can widen what they or others reach.
const widening: readonly Permission[] = [
  'Users.Create',
  'Users.Edit',
  'Users.EditPermission',
  'SecurityProfiles.Create',
  'SecurityProfiles.Edit',
  'Hierarchy.Edit',
];

/** What is doubtful about a profile (S2-02, S2-03, 3.6). `groups`: those that there are. */
export function lintProfile({ permissions: granted, accessControl }: Draft, groups: { has(id: string): boolean }): ProfileWarning[] {
  const warnings: ProfileWarning[] = [];
  if (accessControl !== null) {
    for (const permission of granted) {
      if (permissions[permission].unsafeModule && !safeModules.includes(permission)) warnings.push({ code: 'unsafe-module', permission });
      if (widening.includes(permission)) warnings.push({ code: 'escalation', permission });
    }
    const { hierarchy } = accessControl;
    if (hierarchy.mode === 'named' && !groups.has(hierarchy.groupId)) warnings.push({ code: 'dangling-group', permission: null });
  }
  if (granted.includes('Ccp.Access')) {
    for (const permission of granted) if (notForAgents(permission)) warnings.push({ code: 'agent-with-admin', permission });
  }
  return warnings;
}

function notForAgents(permission: Permission): boolean {
  return /^(Users|SecurityProfiles)\./.test(permission) || permission === 'Devices.Edit';
}

/** S4-19: what is restricted on a type must let it be seen. The permission that is missing; null where none is. */
export function missingView({ permissions: granted, accessControl }: Draft): Permission | null {
  const types = Object.keys(viewOf) as ResourceType[];
  const missing = types.map((type) => (enforcesOn({ accessControl }, type) ? viewOf[type] : null));
  return missing.find((view) => view !== null && !granted.includes(view)) ?? null;
}

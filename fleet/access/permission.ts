import type { Permission, ResourceType } from '../../contracts/console/access.ts';

export type { Permission, ResourceType } from '../../contracts/console/access.ts';

export interface PermissionFacts {
  name: string;
  use: string;
  /** What it is decided on. What a desk brings forth (reports, waivers, tickets for it) is decided by the desk. */
  type: ResourceType;
  /** Granted along with it when a profile is saved. */
  implies?: readonly Permission[];
  /** Whoever holds this one may grant it without holding it: duties that are kept apart must still be handed out. */
  grantedBy?: Permission;
  /** A module that AWS advises to close to users with granular access (requirements 3.6). */
  unsafeModule?: true;
  /** No part of this server asks for it yet. */
  later?: true;
}

/** The reference of permissions: its keys are their API names. */
export const permissions: Readonly<Record<Permission, PermissionFacts>> = {
  'Devices.View': { name: 'Desks - View', use: 'See desks, their findings and their history of standings', type: 'Device' },
  'Devices.Edit': { name: 'Desks - Edit', use: 'Change tags, group and owner of a desk', type: 'Device', implies: ['Devices.View'] },
  'Devices.Approve': { name: 'Desks - Approve', use: 'Let a pending desk in, or decline it', type: 'Device', implies: ['Devices.View'] },
  'Devices.Revoke': { name: 'Desks - Revoke', use: 'Refuse a desk for good', type: 'Device', implies: ['Devices.View'] },
  'Devices.Retire': { name: 'Desks - Retire', use: 'Take a desk out of service', type: 'Device', implies: ['Devices.View'] },
  'Devices.Quarantine': {
    name: 'Desks - Quarantine',
    use: 'Keep a desk from calls until somebody has looked',
    type: 'Device',
    implies: ['Devices.View'],
    later: true,
  },
  'Devices.ReleaseCode': {
    name: 'Desks - Release code',
    use: 'Read the code that opens the gate of a desk that is offline',
    type: 'Device',
    implies: ['Devices.View'],
  },
  'Tickets.View': {
    name: 'Tickets - View',
    use: 'See enrolment tickets, without their secrets',
    type: 'Device',
    implies: ['Devices.View'],
  },
  'Tickets.Create': {
    name: 'Tickets - Create',
    use: 'Make tickets by which desks enrol',
    type: 'Device',
    implies: ['Tickets.View', 'Devices.View'],
  },
  'Tickets.Revoke': { name: 'Tickets - Revoke', use: 'End a ticket', type: 'Device', implies: ['Tickets.View', 'Devices.View'] },
  'Waivers.Request': { name: 'Waivers - Request', use: 'Ask that a rule only warns for a time', type: 'Device', implies: ['Devices.View'] },
  'Waivers.Approve': {
    name: 'Waivers - Approve',
    use: "Grant or end a waiver, never one's own request",
    type: 'Device',
    implies: ['Devices.View'],
  },
  'GroupRelease.Request': {
    name: 'Release of a group - Request',
    use: 'Ask that a whole group is released for a day on which the policy was wrong',
    type: 'Device',
    implies: ['Devices.View'],
  },
  'GroupRelease.Approve': {
    name: 'Release of a group - Approve',
    use: 'Be the second person of such a release, or end it',
    type: 'Device',
    implies: ['Devices.View'],
  },
  'Ccp.Access': { name: 'Contact Control Panel - Access', use: 'Take calls at a desk', type: 'Tenant', grantedBy: 'Users.EditPermission' },
  'Ccp.Recheck': {
    name: 'Desks - Check again',
    use: 'Have a desk run its checks now',
    type: 'Device',
    grantedBy: 'Users.EditPermission',
    later: true,
  },
  'Policies.View': { name: 'Policies - View', use: 'Read policies and where they apply', type: 'Policy', unsafeModule: true },
  'Policies.Edit': {
    name: 'Policies - Edit',
    use: 'Write revisions of policies and say where they apply',
    type: 'Policy',
    implies: ['Policies.View'],
  },
  'Policies.Publish': {
    name: 'Policies - Publish',
    use: 'Sign a revision so that desks obey it',
    type: 'Policy',
    implies: ['Policies.View'],
  },
  'Rings.View': { name: 'Rings - View', use: 'See rollout rings', type: 'Ring' },
  'Rings.Edit': { name: 'Rings - Edit', use: 'Change rollout rings and who is in them', type: 'Ring', implies: ['Rings.View'] },
  'RolloutSchedule.View': {
    name: 'Rollout schedule - View',
    use: 'See the schedule of rollout',
    type: 'Tenant',
    unsafeModule: true,
    later: true,
  },
  'RolloutSchedule.Edit': {
    name: 'Rollout schedule - Edit',
    use: 'Change the schedule of rollout',
    type: 'Tenant',
    implies: ['RolloutSchedule.View'],
    later: true,
  },
  'AllowList.View': { name: 'Allowlist - View', use: 'Read the allowlist and what is due to change', type: 'Tenant' },
  'AllowList.Approve': {
    name: 'Allowlist - Approve',
    use: 'Publish a revision of the allowlist',
    type: 'Tenant',
    implies: ['AllowList.View'],
  },
  'Users.View': { name: 'Users - View', use: 'See accounts', type: 'User' },
  'Users.Create': {
    name: 'Users - Create',
    use: 'Make accounts',
    type: 'User',
    implies: ['Users.View', 'SecurityProfiles.View', 'Hierarchy.View'],
  },
  'Users.Edit': {
    name: 'Users - Edit',
    use: 'Change group and tags of accounts, disable them, reset how they sign in',
    type: 'User',
    implies: ['Users.View', 'SecurityProfiles.View', 'Hierarchy.View'],
  },
  'Users.EditPermission': {
    name: 'Users - Edit permission',
    use: 'Assign security profiles, those of administrators among them',
    type: 'User',
    implies: ['Users.View', 'SecurityProfiles.View'],
  },
  'SecurityProfiles.View': { name: 'Security profiles - View', use: 'Read security profiles', type: 'SecurityProfile' },
  'SecurityProfiles.Create': {
    name: 'Security profiles - Create',
    use: "Make security profiles within one's own rights",
    type: 'SecurityProfile',
    implies: ['SecurityProfiles.View'],
  },
  'SecurityProfiles.Edit': {
    name: 'Security profiles - Edit',
    use: "Change security profiles within one's own rights",
    type: 'SecurityProfile',
    implies: ['SecurityProfiles.View'],
  },
  'SecurityProfiles.Delete': {
    name: 'Security profiles - Delete',
    use: 'Delete security profiles that nobody holds',
    type: 'SecurityProfile',
    implies: ['SecurityProfiles.View'],
  },
  'Hierarchy.View': { name: 'Hierarchy - View', use: 'See the tree of groups', type: 'Tenant', unsafeModule: true },
  'Hierarchy.Edit': { name: 'Hierarchy - Edit', use: 'Make, rename, move and delete groups', type: 'Tenant', implies: ['Hierarchy.View'] },
  'Analytics.Access': {
    name: 'Analytics - Access',
    use: 'The live floor, trends and the report of sessions together',
    type: 'Device',
    implies: ['LiveBoard.Access', 'TrendReports.Access', 'SessionReport.View'],
  },
  'LiveBoard.Access': { name: 'Live floor - Access', use: 'See now who can take calls', type: 'Device', unsafeModule: true },
  'TrendReports.Access': { name: 'Trends - Access', use: 'Reports over days and months', type: 'Device', unsafeModule: true },
  'SessionReport.View': {
    name: 'Report of sessions - View',
    use: 'When people signed in and out, and when gates were closed',
    type: 'Device',
    unsafeModule: true,
    later: true,
  },
  'EventSearch.View': {
    name: 'Search of events - View',
    use: 'Search reports and events',
    type: 'Device',
    unsafeModule: true,
    later: true,
  },
  'SavedReports.View': { name: 'Saved reports - View', use: 'Read saved reports', type: 'Device', unsafeModule: true, later: true },
  'SavedReports.Edit': { name: 'Saved reports - Edit', use: 'Save reports', type: 'Device', implies: ['SavedReports.View'], later: true },
  'AlertRules.View': { name: 'Rules of alerts - View', use: 'Read the rules of alerts', type: 'Tenant', unsafeModule: true, later: true },
  'AlertRules.Edit': {
    name: 'Rules of alerts - Edit',
    use: 'Change the rules of alerts',
    type: 'Tenant',
    implies: ['AlertRules.View'],
    later: true,
  },
  'ChangeHistory.View': { name: 'Change history - View', use: 'Who changed what, of one thing', type: 'Tenant', unsafeModule: true },
  'Audit.View': { name: 'Audit - View', use: 'Read the audit log', type: 'Tenant' },
  'Audit.Export': {
    name: 'Audit - Export',
    use: 'Take the audit log out',
    type: 'Tenant',
    implies: ['Audit.View'],
    grantedBy: 'Guardrails.Edit',
  },
  'Encryption.View': { name: 'Encryption - View', use: 'See keys, their age and their uses', type: 'Tenant' },
  'Encryption.Change': { name: 'Encryption - Change', use: 'Change and disable keys', type: 'Tenant', implies: ['Encryption.View'] },
  'Federation.View': { name: 'Federation - View', use: 'See how people sign in', type: 'Tenant' },
  'Federation.Edit': {
    name: 'Federation - Edit',
    use: 'Change the identity provider and its mapping',
    type: 'Tenant',
    implies: ['Federation.View'],
  },
  'Federation.Delete': {
    name: 'Federation - Delete',
    use: 'Delete the identity provider',
    type: 'Tenant',
    implies: ['Federation.View'],
    later: true,
  },
  'Guardrails.View': { name: 'Guardrails - View', use: 'See what is denied to everybody', type: 'Tenant' },
  'Guardrails.Edit': { name: 'Guardrails - Edit', use: 'Change what is denied to everybody', type: 'Tenant', implies: ['Guardrails.View'] },
  'Retention.View': { name: 'Retention - View', use: 'See how long records are kept', type: 'Tenant' },
  'Retention.Edit': { name: 'Retention - Edit', use: 'Change how long records are kept', type: 'Tenant', implies: ['Retention.View'] },
  'LegalHold.Set': {
    name: 'Legal hold - Set',
    use: 'Keep records beyond their retention',
    type: 'Tenant',
    implies: ['Retention.View'],
    grantedBy: 'Guardrails.Edit',
    later: true,
  },
  'SupportBundle.Create': {
    name: 'Support bundle - Create',
    use: "Make a support bundle of one's own desk",
    type: 'Tenant',
    grantedBy: 'Users.EditPermission',
    later: true,
  },
  'SupportBundle.Read': {
    name: 'Support bundle - Read',
    use: 'Read support bundles',
    type: 'Device',
    implies: ['Devices.View'],
    later: true,
  },
  'Tenant.View': { name: 'Tenant - View', use: 'See the settings of the tenant and its instances', type: 'Tenant' },
  'Tenant.Edit': {
    name: 'Tenant - Edit',
    use: 'Change the settings of the tenant and its instances',
    type: 'Tenant',
    implies: ['Tenant.View'],
  },
  'Tenant.Delete': {
    name: 'Tenant - Delete',
    use: 'Delete the tenant with everything in it',
    type: 'Tenant',
    implies: ['Tenant.View'],
    later: true,
  },
};

/** What sees a thing of this type at all. Where a type has one, every other permission on the type needs it too. */
export const viewOf: Readonly<Record<ResourceType, Permission | null>> = {
  Device: 'Devices.View',
  User: 'Users.View',
  SecurityProfile: 'SecurityProfiles.View',
  Policy: 'Policies.View',
  Ring: 'Rings.View',
  Tenant: null,
};

/** With all that they imply, in the order of the list. */
export function withImplied(granted: readonly Permission[]): Permission[] {
  const all = new Set<Permission>();
  const add = (permission: Permission) => {
    if (all.has(permission)) return;
    all.add(permission);
    for (const implied of permissions[permission].implies ?? []) add(implied);
  };
  for (const permission of granted) add(permission);
  return (Object.keys(permissions) as Permission[]).filter((permission) => all.has(permission));
}

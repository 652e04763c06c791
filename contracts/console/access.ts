import { z } from 'zod';

/** Everything that a security profile can grant. What is not here nobody can be granted: nobody opens a gate by a call, for one. */
export const Permission = z.enum([
  'Devices.View',
  'Devices.Edit',
  'Devices.Approve',
  'Devices.Revoke',
  'Devices.Retire',
  'Devices.Quarantine',
  'Devices.ReleaseCode',
  'Tickets.View',
  'Tickets.Create',
  'Tickets.Revoke',
  'Waivers.Request',
  'Waivers.Approve',
  'GroupRelease.Request',
  'GroupRelease.Approve',
  'Ccp.Access',
  'Ccp.Recheck',
  'Policies.View',
  'Policies.Edit',
  'Policies.Publish',
  'Rings.View',
  'Rings.Edit',
  'RolloutSchedule.View',
  'RolloutSchedule.Edit',
  'AllowList.View',
  'AllowList.Approve',
  'Users.View',
  'Users.Create',
  'Users.Edit',
  'Users.EditPermission',
  'SecurityProfiles.View',
  'SecurityProfiles.Create',
  'SecurityProfiles.Edit',
  'SecurityProfiles.Delete',
  'Hierarchy.View',
  'Hierarchy.Edit',
  'Analytics.Access',
  'LiveBoard.Access',
  'TrendReports.Access',
  'SessionReport.View',
  'EventSearch.View',
  'SavedReports.View',
  'SavedReports.Edit',
  'AlertRules.View',
  'AlertRules.Edit',
  'ChangeHistory.View',
  'Audit.View',
  'Audit.Export',
  'Encryption.View',
  'Encryption.Change',
  'Federation.View',
  'Federation.Edit',
  'Federation.Delete',
  'Guardrails.View',
  'Guardrails.Edit',
  'Retention.View',
  'Retention.Edit',
  'LegalHold.Set',
  'SupportBundle.Create',
  'SupportBundle.Read',
  'Tenant.View',
  'Tenant.Edit',
  'Tenant.Delete',
]);
export type Permission = z.infer<typeof Permission>;

/** What access can be restricted on; `Tenant` stands for all that belongs to the tenant as a whole and is never restricted. */
export const ResourceType = z.enum(['Device', 'User', 'SecurityProfile', 'Policy', 'Ring', 'Tenant']);
export type ResourceType = z.infer<typeof ResourceType>;

/** PostgreSQL holds neither NUL nor half a surrogate pair, and is asked for neither. */
export const storable = /^[^\0\p{Cs}]*$/u;

export const TagKey = z
  .string()
  .min(1)
  .max(128)
  .regex(storable, 'expected text without NUL and without half characters')
  .refine((key) => !/^(aws|deskwarden):/i.test(key), 'the prefixes aws: and deskwarden: are reserved');
export const TagValue = z.string().max(256).regex(storable, 'expected text without NUL and without half characters');

/** Compared exactly: case, blanks and `*` count. An empty value is a value. */
export const Tags = z.record(TagKey, TagValue).refine((tags) => Object.keys(tags).length <= 50, 'at most 50 tags');
export type Tags = z.infer<typeof Tags>;

export const Hierarchy = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('none') }),
  /** The group of whoever holds the profile, and all below it. */
  z.strictObject({ mode: z.literal('own') }),
  z.strictObject({ mode: z.literal('named'), groupId: z.uuid() }),
]);
export type Hierarchy = z.infer<typeof Hierarchy>;

const unique = (values: readonly string[]) => new Set(values).size === values.length;

export const AccessControl = z
  .strictObject({
    hierarchy: Hierarchy,
    hierarchyRestrictedResources: z
      .array(z.enum(['User', 'Device']))
      .max(2)
      .refine(unique, 'each once'),
    tags: Tags.refine((tags) => Object.keys(tags).length <= 4, 'at most 4 access-control tags'),
    tagRestrictedResources: z
      .array(z.enum(['User', 'Device', 'SecurityProfile', 'Policy', 'Ring']))
      .max(5)
      .refine(unique, 'each once'),
  })
  .refine((control) => (control.hierarchy.mode === 'none') === (control.hierarchyRestrictedResources.length === 0), {
    message: 'a hierarchy and the types that it restricts go together',
    path: ['hierarchyRestrictedResources'],
  })
  .refine((control) => (Object.keys(control.tags).length === 0) === (control.tagRestrictedResources.length === 0), {
    message: 'tags and the types that they restrict go together',
    path: ['tagRestrictedResources'],
  })
  .refine((control) => control.hierarchy.mode !== 'none' || Object.keys(control.tags).length > 0, 'restricts nothing: leave it out');
export type AccessControl = z.infer<typeof AccessControl>;

/** Of a service's token, as in IAM: StringEquals on the group at a level of the resource's own path. */
export const ServiceConditions = z.strictObject({
  'deskwarden:HierarchyGroupL1Id': z.uuid().optional(),
  'deskwarden:HierarchyGroupL2Id': z.uuid().optional(),
  'deskwarden:HierarchyGroupL3Id': z.uuid().optional(),
  'deskwarden:HierarchyGroupL4Id': z.uuid().optional(),
  'deskwarden:HierarchyGroupL5Id': z.uuid().optional(),
});
export type ServiceConditions = z.infer<typeof ServiceConditions>;

/** Denies to everybody in the tenant, before anything is allowed. */
export const Guardrail = z.strictObject({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'expected letters, digits and hyphens, 64 at most'),
  deny: z.array(Permission).min(1).max(Permission.options.length).refine(unique, 'each once'),
  reason: z.string().trim().min(1).max(300).regex(storable),
});
export type Guardrail = z.infer<typeof Guardrail>;

import { z } from 'zod';
import { AccessControl, Guardrail, Permission, ResourceType, ServiceConditions, Tags } from './access.ts';
import { PageLimit } from './page-limit.ts';

// Hierarchy, security profiles, accounts and guardrails over the console API.

export const ById = z.strictObject({ id: z.uuid() });

export const PageQuery = z.strictObject({ limit: PageLimit, after: z.uuid().optional() });
export type PageQuery = z.infer<typeof PageQuery>;

function Page<T extends z.ZodType>(item: T) {
  return z.strictObject({ items: z.array(item).max(200), next: z.uuid().nullable() });
}

export const PermissionsAnswer = z.strictObject({
  items: z.array(
    z.strictObject({
      id: Permission,
      name: z.string(),
      use: z.string(),
      type: ResourceType,
      implies: z.array(Permission),
      unsafeModule: z.boolean(),
      later: z.boolean(),
    }),
  ),
});
export type PermissionsAnswer = z.infer<typeof PermissionsAnswer>;

const GroupName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'expected text without control characters');

export const Group = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  parent: z.uuid().nullable(),
  level: z.int().min(1).max(5),
  /** Ids from the root to the group itself. */
  path: z.array(z.uuid()).min(1).max(5),
});
export type Group = z.infer<typeof Group>;
export const GroupsAnswer = Page(Group);
export const AddGroupRequest = z.strictObject({ name: GroupName, parent: z.uuid().nullable() });
export type AddGroupRequest = z.infer<typeof AddGroupRequest>;
/** A new parent moves everything below the group along with it. */
export const ChangeGroupRequest = z
  .strictObject({ name: GroupName.optional(), parent: z.uuid().nullable().optional() })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing');
export type ChangeGroupRequest = z.infer<typeof ChangeGroupRequest>;

const ProfileName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._()-]*$/u, 'expected letters, digits, blanks and . _ ( ) -');

export const ProfileRequest = z.strictObject({
  name: ProfileName,
  permissions: z.array(Permission).max(Permission.options.length),
  accessControl: AccessControl.nullable().default(null),
  tags: Tags.default({}),
  /** Why a profile that lets people take calls administers too (S2-03): without it such a profile is refused. */
  reason: z.string().trim().min(1).max(300).optional(),
});
export type ProfileRequest = z.infer<typeof ProfileRequest>;

export const ProfileAnswer = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  isDefault: z.boolean(),
  permissions: z.array(Permission),
  accessControl: AccessControl.nullable(),
  tags: z.record(z.string(), z.string()),
  /** Accounts that hold it. */
  holders: z.int().nonnegative(),
  warnings: z.array(
    z.strictObject({
      code: z.enum(['unsafe-module', 'escalation', 'agent-with-admin', 'dangling-group']),
      permission: Permission.nullable(),
    }),
  ),
});
export type ProfileAnswer = z.infer<typeof ProfileAnswer>;
export const ProfilesAnswer = Page(ProfileAnswer);

/** As an identity provider's subject must be, letter for letter and case for case. */
export const AccountName = z.string().regex(/^[A-Za-z0-9@.-]{2,64}$/, 'expected 2 to 64 letters, digits, @, - and .');
export const AccountKind = z.enum(['local', 'oidc', 'service']);
const ProfileIds = z
  .array(z.uuid())
  .max(20)
  .refine((ids) => new Set(ids).size === ids.length, 'each once');

export const AccountAnswer = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  kind: AccountKind,
  group: z.uuid().nullable(),
  tags: z.record(z.string(), z.string()),
  profiles: z.array(z.strictObject({ id: z.uuid(), name: z.string() })),
  createdAt: z.iso.datetime(),
  disabledAt: z.iso.datetime().nullable(),
});
export type AccountAnswer = z.infer<typeof AccountAnswer>;
export const AccountsQuery = PageQuery.extend({ name: AccountName.optional().describe('Exactly this one') });
export type AccountsQuery = z.infer<typeof AccountsQuery>;
export const AccountsAnswer = Page(AccountAnswer);

export const AddAccountRequest = z
  .strictObject({
    name: AccountName,
    kind: AccountKind,
    group: z.uuid().nullable().default(null),
    tags: Tags.default({}),
    profiles: ProfileIds.default([]),
    conditions: ServiceConditions.optional(),
  })
  .refine((account) => account.kind === 'service' || account.conditions === undefined, {
    message: 'conditions are for services alone',
    path: ['conditions'],
  });
export type AddAccountRequest = z.infer<typeof AddAccountRequest>;
export const ChangeAccountRequest = z
  .strictObject({ group: z.uuid().nullable().optional(), tags: Tags.optional(), disabled: z.boolean().optional() })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing');
export type ChangeAccountRequest = z.infer<typeof ChangeAccountRequest>;
export const AssignProfilesRequest = z.strictObject({ profiles: ProfileIds });
export type AssignProfilesRequest = z.infer<typeof AssignProfilesRequest>;

/** Which desks an account sees, and by which rule: of those that the asker sees too. */
export const VisibleDesksAnswer = Page(z.strictObject({ id: z.uuid(), rule: z.string() }));

export const AccessSettings = z.strictObject({
  guardrails: z
    .array(Guardrail)
    .max(50)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'each name once'),
  maxGranularProfiles: z.int().min(1).max(3),
  profileLint: z.enum(['warn', 'strict']),
  publishTwoPerson: z.boolean().describe('A policy is published by somebody other than who wrote it'),
  allowlistApproval: z.enum(['automatic', 'manual']).describe('Whether a new allowlist waits for somebody to approve it'),
});
export type AccessSettings = z.infer<typeof AccessSettings>;
export const AccessSettingsAnswer = AccessSettings.extend({ guardrailTemplates: z.array(Guardrail) });

/** What is not named stays; tags are given whole. */
export const ChangeDeskRequest = z
  .strictObject({ tags: Tags.optional(), group: z.uuid().nullable().optional(), owner: z.uuid().nullable().optional() })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing');
export type ChangeDeskRequest = z.infer<typeof ChangeDeskRequest>;
export const DeskPlacement = z.strictObject({
  id: z.uuid(),
  tags: z.record(z.string(), z.string()),
  group: z.uuid().nullable(),
  owner: z.uuid().nullable(),
  /** Which counts for access: the owner's where there is an owner. */
  effectiveGroup: z.uuid().nullable(),
});
export type DeskPlacement = z.infer<typeof DeskPlacement>;

export const InstancesAnswer = z.strictObject({
  items: z.array(z.strictObject({ id: z.uuid(), alias: z.string().max(45), region: z.string().max(40) })).max(1_000),
});

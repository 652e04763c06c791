import { sql } from 'kysely';
import { z } from 'zod';
import { AccessControl, Guardrail, Permission, ServiceConditions } from '../../contracts/console/access.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Actor, LevelCondition, Profile } from './actor.ts';
import { needsSecondFactor } from './default-profiles.ts';

const StoredProfile = z.object({
  id: z.uuid(),
  name: z.string(),
  isDefault: z.boolean(),
  // A permission that this version does not know grants nothing here.
  permissions: z.array(z.string()).transform((all) => all.filter((one) => Permission.safeParse(one).success) as Permission[]),
  accessControl: AccessControl.nullable(),
});
const StoredTags = z.record(z.string(), z.string());
const StoredGuardrails = z.array(
  // A guardrail outlives the permissions that it names: of those that are left it still denies each.
  Guardrail.extend({
    deny: z.array(z.string()).transform((all) => all.filter((one) => Permission.safeParse(one).success) as Permission[]),
  }),
);

interface ActorRow {
  tenant_id: string;
  kind: 'local' | 'oidc' | 'service';
  tags: unknown;
  conditions: unknown;
  group_id: string | null;
  path: string[] | null;
  guardrails: unknown;
  max_granular_profiles: number;
  profiles: unknown;
}

/** The account with the rights that it has now. Null: there is none, or it is disabled. */
export async function loadActor(tx: Tx, account: string, session: { id: string; mfaAt: Date | null } | null): Promise<Actor | null> {
  const { rows } = await sql<ActorRow>`
    select account.tenant_id, account.kind, account.tags, account.conditions, account.group_id, hierarchy_group.path,
      tenant_settings.guardrails, tenant_settings.max_granular_profiles,
      coalesce((
        select jsonb_agg(jsonb_build_object('id', security_profile.id, 'name', security_profile.name, 'isDefault', security_profile.is_default,
          'permissions', to_jsonb(security_profile.permissions), 'accessControl', security_profile.access_control)
          order by security_profile.name collate "C")
        from account_profile
        join security_profile on security_profile.tenant_id = account_profile.tenant_id and security_profile.id = account_profile.profile_id
        where account_profile.tenant_id = account.tenant_id and account_profile.account_id = account.id), '[]') as profiles
    from account
    join tenant_settings on tenant_settings.tenant_id = account.tenant_id
    left join hierarchy_group on hierarchy_group.tenant_id = account.tenant_id and hierarchy_group.id = account.group_id
    where account.id = ${account} and account.disabled_at is null`.execute(tx);
  const row = rows[0];
  if (!row) return null;
  const profiles = parseProfiles(row.profiles);
  return {
    kind: 'account',
    account,
    tenant: row.tenant_id,
    session: session?.id ?? null,
    group: row.group_id !== null && row.path !== null ? { id: row.group_id, path: row.path } : null,
    tags: StoredTags.parse(row.tags),
    profiles,
    conditions: levelsOf(ServiceConditions.parse(row.conditions)),
    mfaAt: session?.mfaAt ?? null,
    mfaRequired: row.kind !== 'service' && needsSecondFactor(profiles),
    guardrails: StoredGuardrails.parse(row.guardrails),
    maxGranularProfiles: row.max_granular_profiles,
  };
}

/** Of rows as `loadActor` selects them. */
function parseProfiles(stored: unknown): Profile[] {
  return z.array(StoredProfile).parse(stored);
}

function levelsOf(conditions: ServiceConditions): LevelCondition[] {
  return ([1, 2, 3, 4, 5] as const).flatMap((level) => {
    const group = conditions[`deskwarden:HierarchyGroupL${level}Id`];
    return group === undefined ? [] : [{ level, group }];
  });
}

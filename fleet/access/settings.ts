import { z } from 'zod';
import { Guardrail } from '../../contracts/console/access.ts';
import type { AccessSettings, AccessSettingsAnswer } from '../../contracts/console/access-calls.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Actor } from './actor.ts';
import { demandAtAll } from './refusal.ts';
import { demandFreshMfa } from './step-up.ts';

/** S2-09. Nothing turns the audit off; what ends its records is their retention. */
export const guardrailTemplates: readonly Guardrail[] = [
  { name: 'DenyDeleteTenant', deny: ['Tenant.Delete'], reason: 'Nobody deletes the tenant from inside' },
  { name: 'DenyDeleteFederation', deny: ['Federation.Delete'], reason: 'Nobody locks everybody out' },
  { name: 'DenyDisableAudit', deny: ['Retention.Edit'], reason: 'Nobody shortens what the audit keeps' },
  { name: 'DenyKeyDisable', deny: ['Encryption.Change'], reason: 'Nobody makes the data unreadable' },
  { name: 'DenyDeleteAuditArchive', deny: ['Retention.Edit'], reason: 'Nobody ends the archive of the audit' },
];

/**
 * The tenant's settings of access, locked: whoever changes groups, profiles or assignments takes this first, so that limits that
 * span rows (the last administrator, granular profiles of an account, paths of the tree) are counted by one at a time.
 */
export async function lockAccess(tx: Tx): Promise<AccessSettings> {
  return parse(await settingsQuery(tx).forUpdate().executeTakeFirstOrThrow());
}

export async function readSettings(tx: Tx, actor: Actor): Promise<{ rule: string; settings: z.infer<typeof AccessSettingsAnswer> }> {
  const rule = demandAtAll(actor, 'Guardrails.View');
  const settings = parse(await settingsQuery(tx).executeTakeFirstOrThrow());
  return { rule, settings: { ...settings, guardrailTemplates: [...guardrailTemplates] } };
}

export async function changeSettings(
  tx: Tx,
  actor: Actor,
  wanted: AccessSettings,
  now: Date,
): Promise<{ rule: string; before: AccessSettings }> {
  const rule = demandAtAll(actor, 'Guardrails.Edit');
  demandFreshMfa(actor, now);
  const before = await lockAccess(tx);
  // Else whoever may not approve would have every allowlist approved.
  if (wanted.allowlistApproval !== before.allowlistApproval) demandAtAll(actor, 'AllowList.Approve');
  if (wanted.maxGranularProfiles < before.maxGranularProfiles) {
    const { over } = await tx
      .selectFrom((eb) =>
        eb
          .selectFrom('account_profile')
          .innerJoin('security_profile', 'security_profile.id', 'account_profile.profile_id')
          .where('security_profile.access_control', 'is not', null)
          .groupBy('account_profile.account_id')
          .having((having) => having.fn.countAll(), '>', wanted.maxGranularProfiles)
          .select('account_profile.account_id')
          .as('crowded'),
      )
      .select((eb) => eb.fn.countAll<number>().as('over'))
      .executeTakeFirstOrThrow();
    if (over > 0) throw new FleetFault('granular-profile-limit', `${over} accounts hold more granular profiles than that`);
  }
  await tx
    .updateTable('tenant_settings')
    .where('tenant_id', '=', actor.tenant)
    .set({
      guardrails: JSON.stringify(wanted.guardrails),
      max_granular_profiles: wanted.maxGranularProfiles,
      profile_lint: wanted.profileLint,
      publish_two_person: wanted.publishTwoPerson,
      allowlist_approval: wanted.allowlistApproval,
    })
    .execute();
  return { rule, before };
}

const settingsQuery = (tx: Tx) =>
  tx
    .selectFrom('tenant_settings')
    .select(['guardrails', 'max_granular_profiles', 'profile_lint', 'publish_two_person', 'allowlist_approval']);

interface SettingsRow {
  guardrails: unknown;
  max_granular_profiles: number;
  profile_lint: AccessSettings['profileLint'];
  publish_two_person: boolean;
  allowlist_approval: AccessSettings['allowlistApproval'];
}

function parse(row: SettingsRow): AccessSettings {
  return {
    guardrails: z.array(Guardrail).parse(row.guardrails),
    maxGranularProfiles: row.max_granular_profiles,
    profileLint: row.profile_lint,
    publishTwoPerson: row.publish_two_person,
    allowlistApproval: row.allowlist_approval,
  };
}

/** Owns the schema and migrates it; the server itself never works as this role. */
export const OWNER_ROLE = 'deskwarden_owner';
/** Sees one tenant a transaction, owns nothing, passes by no row-level security. */
export const APP_ROLE = 'deskwarden_app';

/** Run by the owner after each migration, so that a new table is granted too. */
export function grantsFor(appRole: string): string {
  const role = quoteName(appRole);
  return `
    revoke all on all tables in schema public from ${role};
    grant usage on schema public to ${role};
    grant select, insert, update, delete on all tables in schema public to ${role};
    grant execute on function make_history_partitions(date, int), drop_history_partitions(timestamptz) to ${role};
    revoke insert, update, delete on schema_migration from ${role};
    -- The audit chain is written through two functions alone, and what they go by stays as it was chosen.
    revoke insert, update, delete on audit_head, audit_record, audit_target from ${role};
    grant execute on function append_audit(uuid, text, bytea), remove_old_audit(uuid, timestamptz, timestamptz, int) to ${role};
    revoke update, delete on tenant_settings from ${role};
    grant update (guardrails, max_granular_profiles, profile_lint, publish_two_person, default_approval, allowlist_approval)
      on tenant_settings to ${role};
    -- The directory has no row-level security.
    revoke update, delete on tenant from ${role};
  `;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

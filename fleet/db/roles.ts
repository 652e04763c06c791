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
    -- A record of the audit chain is written once. Retention takes away whole old ones, which the chain's head outlives.
    revoke update on audit_record from ${role};
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

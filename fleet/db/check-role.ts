import pg from 'pg';

class UnsafeRole extends Error {}

interface Found {
  role: string;
  superuser: boolean;
  bypass: boolean;
  /** Roles with more power that it may become by `set role`, or whose rights it has. */
  member_of: string[];
  /** Tables that it owns, directly or by a role that it is a member of. */
  owns: string[];
  /** Tables whose rows belong to tenants and are not kept apart. */
  open: string[];
  /** Tables that it may empty, to which row-level security does not apply. */
  empties: string[];
  /** What it may write of the audit, or of how long that is kept, past the functions that do it. */
  rewrites: string[];
  /** It may put its own functions before those that the owner's call. */
  creates: boolean;
  no_tables: boolean;
}

/**
 * Refuses a role to which row-level security does not apply: with it, one forgotten filter would show every tenant's desks.
 * @throws {UnsafeRole} that says what to change.
 */
export async function checkAppRole(appUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: appUrl, application_name: 'deskwarden-fleet start', connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Found>(question);
    const [found] = rows;
    if (!found) throw new UnsafeRole('the database did not say who it takes this server for');
    const problem = problemOf(found);
    if (problem) throw new UnsafeRole(`the server does not start as the database role "${found.role}": ${problem}`);
    return found.role;
  } finally {
    await client.end();
  }
}

function problemOf({ role, superuser, bypass, member_of, owns, open, empties, rewrites, creates, no_tables }: Found): string | null {
  const other = 'give DATABASE_URL of a role that was made with: create role deskwarden_app login nosuperuser nobypassrls';
  if (superuser) return `it is a superuser, which sees every tenant's rows; ${other}`;
  if (bypass) return `it has BYPASSRLS, which shows every tenant's rows; run: alter role "${role}" nobypassrls`;
  if (member_of.length > 0)
    return `it may act as ${member_of.join(', ')}, which sees every tenant's rows; run: revoke ${member_of[0]} from "${role}"`;
  if (owns.length > 0)
    return `it owns the tables (${some(owns)}) and could switch their row-level security off; ${other}, and the owner as MIGRATE_DATABASE_URL`;
  if (no_tables) return 'it sees no tables; run: deskwarden-fleet migrate';
  if (open.length > 0)
    return `row-level security does not hold for ${some(open)}; as the owner run: alter table ... enable row level security, force row level security`;
  if (empties.length > 0)
    return `it may truncate ${some(empties)}, of every tenant at once; as the owner run: revoke truncate on all tables in schema public from "${role}"`;
  if (rewrites.length > 0)
    return `it may change the audit (${some(rewrites)}); run: deskwarden-fleet migrate, and revoke what else gives it that`;
  if (creates)
    return `it may create functions that the owner's would call; as the owner run: revoke create on schema public from public, "${role}"`;
  return null;
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

// pg_has_role counts membership without inheritance too, since `set role` needs no more than that.
const question = `
  with me as (select oid, rolname, rolsuper, rolbypassrls from pg_roles where rolname = session_user),
  own_tables as (
    select c.oid, c.relname::text as name, c.relowner, c.relrowsecurity and c.relforcerowsecurity as kept_apart,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as of_tenants,
      exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive) as has_policy
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  )
  select me.rolname as role, me.rolsuper as superuser, me.rolbypassrls as bypass,
    array(select r.rolname::text from pg_roles r
      where (r.rolsuper or r.rolbypassrls) and r.oid <> me.oid and pg_has_role(me.oid, r.oid, 'member') order by 1) as member_of,
    array(select t.name from own_tables t where pg_has_role(me.oid, t.relowner, 'member') order by 1) as owns,
    array(select t.name from own_tables t where t.of_tenants and not (t.kept_apart and t.has_policy) order by 1) as open,
    array(select t.name from own_tables t where t.of_tenants and has_table_privilege(me.oid, t.oid, 'truncate') order by 1) as empties,
    array(select distinct t.name from own_tables t, pg_roles r where pg_has_role(me.oid, r.oid, 'member') and (
      t.name in ('audit_head', 'audit_record', 'audit_target') and (has_any_column_privilege(r.oid, t.oid, 'insert, update')
        or has_table_privilege(r.oid, t.oid, 'delete'))
      or t.name = 'tenant_settings' and (has_column_privilege(r.oid, t.oid, 'retention', 'update')
        or has_table_privilege(r.oid, t.oid, 'delete'))) order by 1) as rewrites,
    has_schema_privilege(me.oid, 'public', 'create') as creates,
    not exists (select from own_tables t where t.of_tenants) as no_tables
  from me`;

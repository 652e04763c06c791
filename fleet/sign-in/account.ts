import { randomUUID } from 'node:crypto';
import { indexOfAccountName, openAccountName, sealAccountName } from '../access/account-name.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';

export interface AccountProfile {
  id: string;
  name: string;
  isDefault: boolean;
  granular: boolean;
}

/** What a sign-in needs to know of an account. */
export interface SignInAccount {
  id: string;
  kind: 'local' | 'oidc' | 'service';
  password: string | null;
  /** Whether a second factor is in use: one that was offered and never used is none. */
  hasTotp: boolean;
  subjectIndex: Buffer | null;
  madeBySignIn: boolean;
  disabled: boolean;
}

const columns = ['id', 'kind', 'password', 'totp_step', 'subject_index', 'made_by_sign_in', 'disabled_at'] as const;

/** By the exact name: `Anna@x` is not `anna@x`. */
export async function accountByName(tx: Tx, keyring: Keyring, tenant: string, name: string): Promise<SignInAccount | null> {
  const index = await indexOfAccountName(keyring, tx, tenant, name);
  const row = await tx.selectFrom('account').select(columns).where('name_index', '=', index).executeTakeFirst();
  return row ? accountOf(row) : null;
}

function accountOf(row: {
  id: string;
  kind: SignInAccount['kind'];
  password: string | null;
  totp_step: number | null;
  subject_index: Buffer | null;
  made_by_sign_in: boolean;
  disabled_at: Date | null;
}): SignInAccount {
  return {
    id: row.id,
    kind: row.kind,
    password: row.password,
    hasTotp: row.totp_step !== null,
    subjectIndex: row.subject_index,
    madeBySignIn: row.made_by_sign_in,
    disabled: row.disabled_at !== null,
  };
}

export async function nameOf(tx: Tx, keyring: Keyring, tenant: string, account: string): Promise<string> {
  const { name_sealed } = await tx.selectFrom('account').select('name_sealed').where('id', '=', account).executeTakeFirstOrThrow();
  return openAccountName(keyring, tx, tenant, account, name_sealed);
}

export async function profilesOf(tx: Tx, account: string): Promise<AccountProfile[]> {
  const rows = await tx
    .selectFrom('account_profile')
    .innerJoin('security_profile', (join) =>
      join
        .onRef('security_profile.tenant_id', '=', 'account_profile.tenant_id')
        .onRef('security_profile.id', '=', 'account_profile.profile_id'),
    )
    .select(['security_profile.id', 'security_profile.name', 'security_profile.is_default', 'security_profile.access_control'])
    .where('account_profile.account_id', '=', account)
    .execute();
  return rows.map(profileOf);
}

export async function profilesByName(tx: Tx, names: readonly string[]): Promise<AccountProfile[]> {
  if (names.length === 0) return [];
  const rows = await tx
    .selectFrom('security_profile')
    .select(['id', 'name', 'is_default', 'access_control'])
    .where('name', 'in', names)
    .execute();
  return rows.map(profileOf);
}

function profileOf(row: { id: string; name: string; is_default: boolean; access_control: unknown }): AccountProfile {
  return { id: row.id, name: row.name, isDefault: row.is_default, granular: row.access_control !== null };
}

/** Exactly these from now on. */
export async function setProfiles(tx: Tx, tenant: string, account: string, profiles: readonly AccountProfile[]): Promise<void> {
  const ids = profiles.map(({ id }) => id);
  let gone = tx.deleteFrom('account_profile').where('account_id', '=', account);
  if (ids.length > 0) gone = gone.where('profile_id', 'not in', ids);
  await gone.execute();
  if (ids.length === 0) return;
  const rows = ids.map((id) => ({ tenant_id: tenant, instance_id: NIL_ID, account_id: account, profile_id: id }));
  await tx
    .insertInto('account_profile')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export function isBreakGlass(profiles: readonly AccountProfile[]): boolean {
  return profiles.some(({ name, isDefault }) => isDefault && name === 'BreakGlass');
}

export interface NewAccount {
  kind: 'local' | 'oidc';
  name: string;
  subjectIndex?: Buffer;
  madeBySignIn?: boolean;
  profiles: readonly AccountProfile[];
}

/** Null where the name is taken, also by somebody who takes it at this moment. */
export async function addAccount(tx: Tx, keyring: Keyring, tenant: string, account: NewAccount, now: Date): Promise<string | null> {
  const id = randomUUID();
  const added = await tx
    .insertInto('account')
    .values({
      tenant_id: tenant,
      instance_id: NIL_ID,
      id,
      kind: account.kind,
      name_sealed: await sealAccountName(keyring, tx, tenant, id, account.name),
      name_index: await indexOfAccountName(keyring, tx, tenant, account.name),
      subject_index: account.subjectIndex ?? null,
      made_by_sign_in: account.madeBySignIn ?? false,
      created_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!added) return null;
  await setProfiles(tx, tenant, id, account.profiles);
  return id;
}

import { UserName } from '../../contracts/console/sign-in.ts';
import { needsSecondFactor } from '../access/default-profiles.ts';
import { demandOtherAdmin, isAdminProfile } from '../access/last-admin.ts';
import { lockAccess } from '../access/settings.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import {
  type AccountProfile,
  accountByName,
  addAccount,
  isBreakGlass,
  profilesByName,
  profilesOf,
  type SignInAccount,
  setProfiles,
} from './account.ts';
import { type Claims, type OidcSettings, profileNamesOf, secondFactorEvidence, shownAt, userNameOf } from './oidc-claims.ts';
import { type SecondFactor, type StartedSession, startSession } from './session.ts';

export interface OidcIdentity {
  tenant: string;
  claims: Claims;
  settings: OidcSettings;
  now: Date;
}

/**
 * A session for whom the provider named, with the profiles that its groups map to now.
 * @throws {FleetFault} whose rule says to the audit why; to the caller it is one answer.
 */
export async function signInByClaims(
  tx: Tx,
  keyring: Keyring,
  identity: OidcIdentity,
  found: (account: string) => void,
): Promise<{ account: string; session: StartedSession }> {
  const { tenant, claims, settings, now } = identity;
  const name = UserName.safeParse(userNameOf(claims, settings));
  if (!name.success || typeof claims.sub !== 'string') throw denied('no-user-name');
  const subjectIndex = await keyring.index(tx, { tenant, instance: NIL_ID }, 'account.subject', `${settings.issuer} ${claims.sub}`);
  const account =
    (await accountByName(tx, keyring, tenant, name.data)) ??
    (settings.createAccounts ? await createAccount(tx, keyring, tenant, name.data, subjectIndex, now) : null);
  if (!account) throw denied('unknown-user');
  found(account.id);
  if (account.kind !== 'oidc') throw denied('not-of-the-provider');
  if (account.disabled) throw denied('disabled');
  await bindSubject(tx, account, subjectIndex);
  const profiles = account.madeBySignIn ? await profilesOf(tx, account.id) : await mapProfiles(tx, identity, account.id);

  const evidence = secondFactorEvidence(claims, settings);
  if (evidence === null && needsSecondFactor(profiles))
    throw new FleetFault('mfa-required', 'the identity provider did not say that a second factor was shown', {
      rule: 'sign-in.no-second-factor',
    });
  const secondFactor: SecondFactor | null = evidence === null ? null : { at: shownAt(claims, now).toISOString(), by: 'oidc', evidence };
  return { account: account.id, session: await startSession(tx, { tenant, account: account.id, secondFactor }, now) };
}

async function createAccount(
  tx: Tx,
  keyring: Keyring,
  tenant: string,
  name: string,
  subjectIndex: Buffer,
  now: Date,
): Promise<SignInAccount | null> {
  const profiles = (await profilesByName(tx, ['Agent'])).filter(({ isDefault }) => isDefault);
  const id = await addAccount(tx, keyring, tenant, { kind: 'oidc', name, subjectIndex, madeBySignIn: true, profiles }, now);
  // Null: the same person at the same moment, or a subject that another name has.
  return id === null ? null : accountByName(tx, keyring, tenant, name);
}

/** The first sign-in binds the account: a name that the provider gives to somebody else later opens nothing here. */
async function bindSubject(tx: Tx, account: SignInAccount, subjectIndex: Buffer): Promise<void> {
  if (account.subjectIndex) {
    if (!account.subjectIndex.equals(subjectIndex)) throw denied('other-subject');
    return;
  }
  const other = await tx.selectFrom('account').select('id').where('subject_index', '=', subjectIndex).executeTakeFirst();
  if (other) throw denied('subject-of-another-account');
  await tx.updateTable('account').set({ subject_index: subjectIndex }).where('id', '=', account.id).execute();
}

/** For a provider that was set up anew: everybody's next sign-in binds again. Gives how many were bound. */
export async function forgetSubjects(tx: Tx, account?: string): Promise<number> {
  const all = tx.updateTable('account').set({ subject_index: null }).where('subject_index', 'is not', null);
  const { numUpdatedRows } = await (account === undefined ? all : all.where('id', '=', account)).executeTakeFirst();
  return Number(numUpdatedRows);
}

async function mapProfiles(tx: Tx, { tenant, claims, settings }: OidcIdentity, account: string): Promise<AccountProfile[]> {
  // Break-glass accounts are local: they are for the day on which the provider is what is broken.
  const profiles = (await profilesByName(tx, profileNamesOf(claims, settings))).filter((profile) => !isBreakGlass([profile]));
  if (profiles.length === 0) throw denied('unmapped');
  const { max_granular_profiles: most } = await tx.selectFrom('tenant_settings').select('max_granular_profiles').executeTakeFirstOrThrow();
  if (profiles.filter(({ granular }) => granular).length > most)
    throw new FleetFault('granular-profile-limit', `your groups give more than ${most} profiles with granular access`, {
      rule: 'sign-in.granular-profile-limit',
    });
  const held = await profilesOf(tx, account);
  if (held.some(isAdminProfile) && !profiles.some(isAdminProfile)) {
    await lockAccess(tx);
    await demandOtherAdmin(tx, account);
  }
  await setProfiles(tx, tenant, account, profiles);
  return profiles;
}

export function denied(why: string): FleetFault {
  return new FleetFault('access-denied', 'access denied: ask your administrator', { rule: `sign-in.${why}` });
}

import type { Keyring } from '../crypto/keyring.ts';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import { accountByName, addAccount, profilesByName } from './account.ts';
import { endSessionsOf, type StartedSession, startSession } from './session.ts';
import { hashToken, newToken } from './token.ts';

/** Long enough to carry it from a terminal to a browser. */
const LINK_MS = 15 * 60_000;

/**
 * A token that sets the password of this local account once, and then a second factor: the way in on the first day, and for who
 * lost theirs. The account is made as an administrator's where there is none. Goes behind `#` of the console's address, which
 * browsers send to nobody. Null where the name belongs to an account that is not local, or is disabled.
 */
export async function createAdminLink(
  tx: Tx,
  keyring: Keyring,
  { tenant, user, now }: { tenant: string; user: string; now: Date },
): Promise<{ token: string; account: string; expiresAt: Date } | null> {
  const found = await accountByName(tx, keyring, tenant, user);
  if (found && (found.kind !== 'local' || found.disabled)) return null;
  const profiles = found ? [] : await profilesByName(tx, ['FleetAdmin']);
  const account = found?.id ?? (await addAccount(tx, keyring, tenant, { kind: 'local', name: user, profiles }, now));
  if (account === null) return null;
  const token = newToken();
  const expiresAt = new Date(now.getTime() + LINK_MS);
  await tx
    .insertInto('sign_in_link')
    .values({ tenant_id: tenant, instance_id: NIL_ID, token_hash: hashToken(token), account_id: account, expires_at: expiresAt })
    .execute();
  return { token, account, expiresAt };
}

/** In whose tenant a link is, used up or not. */
export async function tenantOfLink(db: Db, token: string): Promise<string | null> {
  const hash = hashToken(token);
  const row = await db.within({ tenant: NIL_ID, presented: hash }, (tx) =>
    tx.selectFrom('sign_in_link').select('tenant_id').where('token_hash', '=', hash).executeTakeFirst(),
  );
  return row?.tenant_id ?? null;
}

/**
 * The first who comes with it, of however many at once, gets a session that may set up a second factor and nothing else. Whatever
 * the account had before ends: password, second factor, sessions, other links. Null: used, too old, or its account is disabled.
 */
export async function useLink(
  tx: Tx,
  { tenant, token, password, now }: { tenant: string; token: string; password: string; now: Date },
): Promise<{ account: string; session: StartedSession } | null> {
  const link = await tx
    .updateTable('sign_in_link')
    .set({ used_at: now })
    .where('token_hash', '=', hashToken(token))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('account_id')
    .executeTakeFirst();
  if (!link) return null;
  const account = await tx
    .updateTable('account')
    .set({ password, totp_sealed: null, totp_step: null })
    .where('id', '=', link.account_id)
    .where('kind', '=', 'local')
    .where('disabled_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (!account) return null;
  // Another link to the same account would take it over again.
  await tx.updateTable('sign_in_link').set({ used_at: now }).where('account_id', '=', account.id).where('used_at', 'is', null).execute();
  await endSessionsOf(tx, account.id, now);
  return { account: account.id, session: await startSession(tx, { tenant, account: account.id, secondFactor: null }, now) };
}

import { randomNonce, randomPKCECodeVerifier, randomState } from 'openid-client';
import { type Db, NIL_ID } from '../db/tenancy.ts';
import { ATTEMPT_COOKIE, readCookie, setCookie } from './cookie.ts';
import type { Attempt } from './oidc-provider.ts';
import { hashToken, newToken } from './token.ts';

/** To find the phone with the second factor on it. */
const ATTEMPT_MS = 10 * 60_000;

export interface TakenAttempt extends Attempt {
  tenant: string;
  returnPath: string;
}

/** Binds what comes back to this browser, by a cookie. */
export async function beginAttempt(
  db: Db,
  { tenant, returnPath, fresh, now }: { tenant: string; returnPath: string; fresh: boolean; now: Date },
): Promise<{ attempt: Attempt; cookie: string }> {
  const attempt: Attempt = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier(), fresh };
  const token = newToken();
  await db.within({ tenant }, (tx) =>
    tx
      .insertInto('sign_in_attempt')
      .values({
        tenant_id: tenant,
        instance_id: NIL_ID,
        token_hash: hashToken(token),
        state: attempt.state,
        nonce: attempt.nonce,
        code_verifier: attempt.codeVerifier,
        return_path: returnPath,
        fresh,
        expires_at: new Date(now.getTime() + ATTEMPT_MS),
      })
      .execute(),
  );
  return { attempt, cookie: setCookie(ATTEMPT_COOKIE, token, ATTEMPT_MS / 1000) };
}

/** The attempt that this browser began with this state, once. `tenant` alone: there is one, and it does not count (any more). */
export async function takeAttempt(
  db: Db,
  cookieHeader: string | string[] | undefined,
  state: string,
  now: Date,
): Promise<TakenAttempt | { tenant: string; returnPath: null } | null> {
  const token = readCookie(cookieHeader, ATTEMPT_COOKIE);
  if (token === null) return null;
  const hash = hashToken(token);
  const tenant = await db.within({ tenant: NIL_ID, presented: hash }, (tx) =>
    tx.selectFrom('sign_in_attempt').select('tenant_id').where('token_hash', '=', hash).executeTakeFirst(),
  );
  if (!tenant) return null;
  const row = await db.within({ tenant: tenant.tenant_id }, (tx) =>
    tx
      .updateTable('sign_in_attempt')
      .set({ used_at: now })
      .where('token_hash', '=', hash)
      // A link with a foreign state, planted in the page of another site, does not use up the attempt.
      .where('state', '=', state)
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .returning(['state', 'nonce', 'code_verifier', 'fresh', 'return_path'])
      .executeTakeFirst(),
  );
  if (!row) return { tenant: tenant.tenant_id, returnPath: null };
  return {
    tenant: tenant.tenant_id,
    state: row.state,
    nonce: row.nonce,
    codeVerifier: row.code_verifier,
    fresh: row.fresh,
    returnPath: row.return_path,
  };
}

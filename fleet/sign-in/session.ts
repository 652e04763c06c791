import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import { readCookie, SESSION_COOKIE, setCookie } from './cookie.ts';
import { hashToken, newToken } from './token.ts';

/** Amazon Connect's own session lasts as long. */
const LONGEST_MS = 12 * 3_600_000;
const IDLE_MS = 60 * 60_000;
/** Somebody else's job for an hour, and no longer. */
export const BREAK_GLASS_MS = 60 * 60_000;
/** So that a page that asks every few seconds does not write as often. */
const USE_NOTED_MS = 60_000;

/** What of the second factor was proven. `at` is when it was shown, here or to the identity provider. */
export const SecondFactor = z.strictObject({
  at: z.iso.datetime(),
  by: z.enum(['totp', 'oidc']),
  evidence: z.string().max(200).optional(),
});
export type SecondFactor = z.infer<typeof SecondFactor>;

export interface NewSession {
  tenant: string;
  account: string;
  secondFactor: SecondFactor | null;
  longestMs?: number;
  /** Of a break-glass account. */
  reasonSealed?: (session: string) => Uint8Array;
}

export interface StartedSession {
  id: string;
  cookie: string;
  expiresAt: Date;
}

/** Always a token of its own: one that somebody planted beforehand opens nothing. */
export async function startSession(tx: Tx, wanted: NewSession, now: Date): Promise<StartedSession> {
  const id = randomUUID();
  const token = newToken();
  const expiresAt = new Date(now.getTime() + Math.min(wanted.longestMs ?? LONGEST_MS, LONGEST_MS));
  await tx
    .insertInto('session')
    .values({
      tenant_id: wanted.tenant,
      instance_id: NIL_ID,
      id,
      account_id: wanted.account,
      token_hash: hashToken(token),
      mfa: wanted.secondFactor && JSON.stringify(wanted.secondFactor),
      reason_sealed: wanted.reasonSealed?.(id) ?? null,
      created_at: now,
      used_at: now,
      expires_at: expiresAt,
    })
    .execute();
  return { id, cookie: cookieOf(token, expiresAt, now), expiresAt };
}

export interface AuthenticatedSession {
  tenant: string;
  account: string;
  session: string;
  mfaAt: Date | null;
  expiresAt: Date;
}

/** Whose session this is, if it still counts and so does its account. Asked anew for each request. */
export async function authenticateSession(
  db: Db,
  cookieHeader: string | string[] | undefined,
  now: Date,
): Promise<AuthenticatedSession | null> {
  const token = readCookie(cookieHeader, SESSION_COOKIE);
  if (token === null) return null;
  const hash = hashToken(token);
  const tenant = await tenantOf(db, hash);
  return tenant === null ? null : db.within({ tenant }, (tx) => readSession(tx, tenant, hash, now));
}

async function tenantOf(db: Db, hash: Buffer): Promise<string | null> {
  const row = await db.within({ tenant: NIL_ID, presented: hash }, (tx) =>
    tx.selectFrom('session').select('tenant_id').where('token_hash', '=', hash).executeTakeFirst(),
  );
  return row?.tenant_id ?? null;
}

async function readSession(tx: Tx, tenant: string, hash: Buffer, now: Date): Promise<AuthenticatedSession | null> {
  const idleSince = new Date(now.getTime() - IDLE_MS);
  const row = await tx
    .selectFrom('session')
    .innerJoin('account', (join) =>
      join.onRef('account.tenant_id', '=', 'session.tenant_id').onRef('account.id', '=', 'session.account_id'),
    )
    .select(['session.id', 'session.account_id', 'session.mfa', 'session.used_at', 'session.expires_at'])
    .where('session.token_hash', '=', hash)
    .where('session.ended_at', 'is', null)
    .where('session.expires_at', '>', now)
    .where('session.used_at', '>', idleSince)
    .where('account.disabled_at', 'is', null)
    .where('account.kind', '!=', 'service')
    .executeTakeFirst();
  if (!row) return null;
  if (now.getTime() - row.used_at.getTime() > USE_NOTED_MS)
    await tx.updateTable('session').set({ used_at: now }).where('id', '=', row.id).where('used_at', '<', now).execute();
  const mfa = row.mfa === null ? null : SecondFactor.parse(row.mfa);
  return { tenant, account: row.account_id, session: row.id, mfaAt: mfa && new Date(mfa.at), expiresAt: row.expires_at };
}

/** Ends the session whose cookie came along with a sign-in, in whatever tenant: a browser has one at a time. */
export async function endPresented(db: Db, cookieHeader: string | string[] | undefined, now: Date): Promise<void> {
  const token = readCookie(cookieHeader, SESSION_COOKIE);
  if (token === null) return;
  const hash = hashToken(token);
  const tenant = await tenantOf(db, hash);
  if (tenant === null) return;
  await db.within({ tenant }, (tx) =>
    tx.updateTable('session').set({ ended_at: now }).where('token_hash', '=', hash).where('ended_at', 'is', null).execute(),
  );
}

export async function endSession(tx: Tx, session: string, now: Date): Promise<void> {
  await tx.updateTable('session').set({ ended_at: now }).where('id', '=', session).where('ended_at', 'is', null).execute();
}

/** For who is disabled, and for who got a new password. Returns how many ended. */
export async function endSessionsOf(tx: Tx, account: string, now: Date): Promise<number> {
  const ended = await tx
    .updateTable('session')
    .set({ ended_at: now })
    .where('account_id', '=', account)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return Number(ended.numUpdatedRows);
}

/** A session gains rights by a second factor: from then on by a new token. Its end stays. Null where it ended meanwhile. */
export async function raiseSession(
  tx: Tx,
  session: string,
  secondFactor: SecondFactor,
  now: Date,
): Promise<{ cookie: string; expiresAt: Date } | null> {
  const token = newToken();
  const row = await tx
    .updateTable('session')
    .set({ token_hash: hashToken(token), mfa: JSON.stringify(secondFactor), used_at: now })
    .where('id', '=', session)
    .where('ended_at', 'is', null)
    .returning('expires_at')
    .executeTakeFirst();
  return row ? { cookie: cookieOf(token, row.expires_at, now), expiresAt: row.expires_at } : null;
}

function cookieOf(token: string, expiresAt: Date, now: Date): string {
  return setCookie(SESSION_COOKIE, token, (expiresAt.getTime() - now.getTime()) / 1000);
}

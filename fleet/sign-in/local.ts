import { randomUUID } from 'node:crypto';
import type { SignInRequest } from '../../contracts/console/sign-in.ts';
import { indexOfAccountName } from '../access/account-name.ts';
import { appendAudit } from '../audit/append.ts';
import { sealSource } from '../audit/source.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import type { AbuseGuard } from '../enrolment/abuse/abuse-guard.ts';
import { FleetFault } from '../http/fault.ts';
import type { Source } from '../http/route.ts';
import { accountByName, isBreakGlass, profilesOf, type SignInAccount } from './account.ts';
import type { Passwords } from './password.ts';
import { spendSecondFactor } from './second-factor.ts';
import { BREAK_GLASS_MS, type SecondFactor, type StartedSession, startSession } from './session.ts';

/** Uses of one break-glass account within this time are counted in its audit records: more than one asks for a look. */
const BREAK_GLASS_REVIEW_MS = 30 * 86_400_000;

export interface SignInDeps {
  db: Db;
  keyring: Keyring;
  passwords: Passwords;
  abuse: Pick<AbuseGuard, 'count' | 'demandWelcome'>;
}

/** Of the call that somebody signs in by. */
export interface SignInCall {
  source: Source;
  requestId: string;
  now: Date;
  audit(target: { type: string; id: string }): void;
  attribute(tenant: string, account?: string): void;
}

export interface SignedIn {
  tenant: string;
  account: string;
  session: StartedSession;
  secondFactor: SecondFactor | null;
}

/** By slug; without one, the only tenant that there is. */
export async function tenantBySlug(db: Db, slug: string | undefined): Promise<string | null> {
  const tenants = await db.tenants();
  const found = slug === undefined ? (tenants.length === 1 ? tenants[0] : undefined) : tenants.find((tenant) => tenant.slug === slug);
  return found?.id ?? null;
}

/** @throws {FleetFault} `sign-in-refused` for every reason alike; the audit record's rule tells which. */
export async function signInLocally(deps: SignInDeps, request: SignInRequest, call: SignInCall): Promise<SignedIn> {
  const { db, keyring, passwords, abuse } = deps;
  const { address } = call.source;
  await abuse.demandWelcome('address', { address });
  const tenant = await tenantBySlug(db, request.tenant);
  if (tenant === null) {
    await passwords.verify(request.password, null);
    return failed(deps, { address }, null, refused('unknown-tenant'));
  }
  call.attribute(tenant);
  const [index, account] = await db.within({ tenant }, async (tx) => [
    await indexOfAccountName(keyring, tx, tenant, request.user),
    await accountByName(tx, keyring, tenant, request.user),
  ]);
  if (account) call.audit({ type: 'account', id: account.id });
  // A name that nobody has is counted too, by its blind index: names are written down nowhere.
  const subject = { tenant, id: account?.id ?? index.toString('hex') };
  await abuse.demandWelcome('account', subject);
  const usable = account?.kind === 'local' && !account.disabled ? account : null;
  const right = await passwords.verify(request.password, usable?.password ?? null);
  if (!account) return failed(deps, { address }, subject, refused('unknown-user'));
  if (!usable) return failed(deps, { address }, subject, refused(account.disabled ? 'disabled' : 'not-local'));
  if (!right) return failed(deps, { address }, subject, refused('wrong-password'));
  try {
    const signedIn = await db.within({ tenant }, (tx) => open(tx, deps, tenant, usable, request, call));
    call.attribute(tenant, signedIn.account);
    return signedIn;
  } catch (error) {
    if (error instanceof FleetFault && error.code === 'sign-in-refused') return failed(deps, { address }, subject, error);
    throw error;
  }
}

/** Counts the failure; one too many is told `slow-down` instead. */
export async function failed(
  { abuse }: Pick<SignInDeps, 'abuse'>,
  source: { address: string },
  account: { tenant: string; id: string } | null,
  fault: FleetFault,
): Promise<never> {
  await abuse.count('sign-in-address', source);
  if (account) await abuse.count('sign-in-account', account);
  throw fault;
}

async function open(
  tx: Tx,
  { keyring }: SignInDeps,
  tenant: string,
  account: SignInAccount,
  request: SignInRequest,
  call: SignInCall,
): Promise<SignedIn> {
  const { now } = call;
  // The password was compared outside of this transaction: it must still be the one, and the account still be there.
  const current = await tx
    .selectFrom('account')
    .select(['id', 'totp_step'])
    .where('id', '=', account.id)
    .where('password', '=', account.password)
    .where('disabled_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (!current) throw refused('changed-meanwhile');
  const breakGlass = isBreakGlass(await profilesOf(tx, account.id));
  if (breakGlass && request.reason === undefined)
    throw new FleetFault('bad-request', 'say why the break-glass account is used', { path: 'body.reason', rule: 'sign-in.no-reason' });
  let secondFactor: SecondFactor | null = null;
  if (current.totp_step !== null) {
    if (request.code === undefined) throw new FleetFault('second-factor-needed', 'now the code of your second factor');
    if (!(await spendSecondFactor(tx, keyring, tenant, account.id, request.code, now))) throw refused('wrong-code');
    secondFactor = { at: now.toISOString(), by: 'totp' };
  }
  if (!breakGlass || request.reason === undefined)
    return {
      tenant,
      account: account.id,
      session: await startSession(tx, { tenant, account: account.id, secondFactor }, now),
      secondFactor,
    };

  const { reason } = request;
  const key = await keyring.key(tx, { tenant, instance: NIL_ID }, 'identity');
  const reasonSealed = (row: string) => key.seal({ table: 'session', row, field: 'reason_sealed' }, reason);
  const session = await startSession(tx, { tenant, account: account.id, secondFactor, longestMs: BREAK_GLASS_MS, reasonSealed }, now);
  await auditBreakGlass(tx, keyring, { tenant, account: account.id, session: session.id, mfa: secondFactor !== null }, call);
  return { tenant, account: account.id, session, secondFactor };
}

/** What alerts are raised on: an event of its own, beside the record of the call. */
async function auditBreakGlass(
  tx: Tx,
  keyring: Keyring,
  who: { tenant: string; account: string; session: string; mfa: boolean },
  call: SignInCall,
): Promise<void> {
  const { count } = await tx
    .selectFrom('session')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', who.account)
    .where('reason_sealed', 'is not', null)
    .where('created_at', '>', new Date(call.now.getTime() - BREAK_GLASS_REVIEW_MS))
    .executeTakeFirstOrThrow();
  const eventId = randomUUID();
  const sealed = await sealSource(keyring, tx, who.tenant, eventId, call.source);
  await appendAudit(
    tx,
    who.tenant,
    {
      eventId,
      at: call.now.toISOString(),
      actor: { kind: 'account', id: who.account, session: who.session, mfa: who.mfa },
      action: 'sign-in.break-glass',
      status: 200,
      targets: [{ type: 'account', id: who.account }],
      requestId: call.requestId,
      count,
      emergency: true,
    },
    sealed,
  );
}

export function refused(why: string): FleetFault {
  return new FleetFault('sign-in-refused', 'the user name, the password or the code is wrong', { rule: `sign-in.${why}` });
}

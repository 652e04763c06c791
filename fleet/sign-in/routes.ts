import {
  LinkRequest,
  Nothing,
  SecondFactorOffer,
  SecondFactorRequest,
  SessionAnswer,
  SignInAnswer,
  SignInRequest,
} from '../../contracts/console/sign-in.ts';
import type { Actor } from '../access/actor.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { nameOf } from './account.ts';
import { dropCookie, SESSION_COOKIE } from './cookie.ts';
import { tenantOfLink, useLink } from './link.ts';
import { failed, refused, type SignInDeps, signInLocally } from './local.ts';
import { type OidcDeps, oidcRoutes } from './oidc-routes.ts';
import { offerSecondFactor, spendSecondFactor } from './second-factor.ts';
import { endPresented, endSession, raiseSession } from './session.ts';

export type SignInRoutesDeps = SignInDeps & OidcDeps;

export function signInRoutes(deps: SignInRoutesDeps): readonly Route[] {
  const { db, keyring, passwords, abuse } = deps;

  const local = consoleRoute({
    method: 'POST',
    path: '/api/v1/sign-in',
    summary: 'Sign in with a local account',
    who: 'anyone',
    body: SignInRequest,
    answer: SignInAnswer,
    async handle(call): Promise<SignInAnswer> {
      const { session, secondFactor } = await signInLocally(deps, call.body, call);
      await endPresented(db, call.headers.cookie, call.now);
      call.header('set-cookie', session.cookie);
      return { next: secondFactor ? 'done' : 'set-up-second-factor', expiresAt: session.expiresAt.toISOString() };
    },
  });

  const link = consoleRoute({
    method: 'POST',
    path: '/api/v1/sign-in/link',
    summary: 'Set a password by a one-time link, and go on to the second factor',
    who: 'anyone',
    body: LinkRequest,
    answer: SignInAnswer,
    async handle({ body, now, source, headers, audit, attribute, header }): Promise<SignInAnswer> {
      const { address } = source;
      await abuse.demandWelcome('address', { address });
      const tenant = await tenantOfLink(db, body.token);
      if (tenant === null) return failed(deps, { address }, null, refused('unknown-link'));
      attribute(tenant);
      const password = await passwords.hash(body.password);
      const { account, session } = await db.within({ tenant }, async (tx) => {
        const used = await useLink(tx, { tenant, token: body.token, password, now });
        // Undoes the rest of it.
        if (!used) throw refused('used-link');
        return used;
      });
      await endPresented(db, headers.cookie, now);
      attribute(tenant, account);
      audit({ type: 'account', id: account });
      header('set-cookie', session.cookie);
      return { next: 'set-up-second-factor', expiresAt: session.expiresAt.toISOString() };
    },
  });

  const offer = consoleRoute({
    method: 'POST',
    path: '/api/v1/sign-in/second-factor/offer',
    summary: 'A new secret for an authenticator app, which counts from its first code on',
    who: 'second-factor-missing',
    answer: SecondFactorOffer,
    async handle({ tx, actor, audit }) {
      audit({ type: 'account', id: actor.account });
      return offerSecondFactor(tx, keyring, actor.tenant, actor.account);
    },
  });

  const secondFactor = consoleRoute({
    method: 'POST',
    path: '/api/v1/sign-in/second-factor',
    summary: 'Show the second factor: the first time, or again for what asks for a fresh one',
    who: 'second-factor-missing',
    body: SecondFactorRequest,
    answer: SignInAnswer,
    async handle({ body, tx, actor, now, source, audit, header }): Promise<SignInAnswer> {
      audit({ type: 'account', id: actor.account });
      const subject = { tenant: actor.tenant, id: actor.account };
      await abuse.demandWelcome('account', subject);
      const right = await spendSecondFactor(tx, keyring, actor.tenant, actor.account, body.code, now);
      if (!right) return failed(deps, source, subject, refused('wrong-code'));
      const raised = await raiseSession(tx, sessionOf(actor), { at: now.toISOString(), by: 'totp' }, now);
      if (!raised) throw new FleetFault('not-signed-in', 'the session ended meanwhile');
      header('set-cookie', raised.cookie);
      return { next: 'done', expiresAt: raised.expiresAt.toISOString() };
    },
  });

  const signOut = consoleRoute({
    method: 'POST',
    path: '/api/v1/sign-out',
    summary: 'End this session',
    who: 'second-factor-missing',
    answer: Nothing,
    status: 204,
    async handle({ tx, actor, now, header }) {
      await endSession(tx, sessionOf(actor), now);
      header('set-cookie', dropCookie(SESSION_COOKIE));
      // Nothing of what a page kept outlives it on a shared desk.
      header('clear-site-data', '"cache", "storage"');
      return null;
    },
  });

  const session = consoleRoute({
    method: 'GET',
    path: '/api/v1/session',
    summary: 'Who I am and what I may do',
    who: 'second-factor-missing',
    answer: SessionAnswer,
    async handle({ tx, actor }) {
      const { expires_at } = await tx
        .selectFrom('session')
        .select('expires_at')
        .where('id', '=', sessionOf(actor))
        .executeTakeFirstOrThrow();
      const denied = new Set(actor.guardrails.flatMap((guardrail) => guardrail.deny));
      const granted = new Set(actor.profiles.flatMap((profile) => profile.permissions));
      return {
        account: { id: actor.account, name: await nameOf(tx, keyring, actor.tenant, actor.account) },
        tenant: actor.tenant,
        mfaAt: actor.mfaAt?.toISOString() ?? null,
        mfaRequired: actor.mfaRequired,
        profiles: actor.profiles.map(({ name }) => name),
        permissions: actor.mfaRequired && !actor.mfaAt ? [] : [...granted].filter((permission) => !denied.has(permission)).sort(),
        expiresAt: expires_at.toISOString(),
      };
    },
  });

  return [local, link, offer, secondFactor, signOut, session, ...oidcRoutes(deps)];
}

/** A service's token is no session. */
function sessionOf(actor: Actor): string {
  if (actor.session === null) throw new FleetFault('not-signed-in', 'sign in first');
  return actor.session;
}

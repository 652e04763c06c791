import { OidcCallbackQuery, OidcStartQuery, Redirected } from '../../contracts/console/sign-in.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Db } from '../db/tenancy.ts';
import type { AbuseGuard } from '../enrolment/abuse/abuse-guard.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { tenantBySlug } from './local.ts';
import { beginAttempt, takeAttempt } from './oidc-attempt.ts';
import type { OidcSettings } from './oidc-claims.ts';
import type { OidcProviders } from './oidc-provider.ts';
import { denied, signInByClaims } from './oidc-sign-in.ts';
import { HOME, returnPath } from './return-path.ts';
import { endPresented } from './session.ts';

const CALLBACK = '/api/v1/sign-in/oidc/callback';

export interface OidcDeps {
  db: Db;
  keyring: Keyring;
  /** Where browsers reach the console: scheme, host and port. */
  consoleOrigin: string;
  providers: OidcProviders;
  /** Null: this tenant has no identity provider. */
  settingsOf(tenant: string): Promise<OidcSettings | null>;
  /** Each start leaves a row. */
  abuse: Pick<AbuseGuard, 'count'>;
}

export function oidcRoutes(deps: OidcDeps): readonly Route[] {
  const { db, keyring, providers } = deps;
  const redirectUri = `${deps.consoleOrigin}${CALLBACK}`;

  const start = consoleRoute({
    method: 'GET',
    path: '/api/v1/sign-in/oidc/start',
    summary: "Send the browser to the tenant's identity provider",
    who: 'anyone',
    query: OidcStartQuery,
    answer: Redirected,
    status: 302,
    async handle({ query, now, source, attribute, decidedBy, header }) {
      await deps.abuse.count('anonymous', { address: source.address });
      const tenant = await tenantBySlug(db, query.tenant);
      const settings = tenant === null ? null : await deps.settingsOf(tenant);
      if (tenant === null || !settings) throw new FleetFault('not-found', 'no identity provider signs in here');
      attribute(tenant);
      const asked = query.returnTo === undefined ? HOME : returnPath(query.returnTo);
      if (asked === null) decidedBy('sign-in.return-path-ignored');
      const { attempt, cookie } = await beginAttempt(db, { tenant, returnPath: asked ?? HOME, fresh: query.fresh === '1', now });
      const location = (await providers.authorizationUrl(settings, attempt, redirectUri)).href;
      header('set-cookie', cookie);
      header('location', location);
      return { location };
    },
  });

  const callback = consoleRoute({
    method: 'GET',
    path: CALLBACK,
    summary: 'Where the identity provider sends the browser back to',
    who: 'anyone',
    query: OidcCallbackQuery,
    answer: Redirected,
    status: 302,
    async handle({ query, now, source, headers, audit, attribute, header }) {
      await deps.abuse.count('anonymous', { address: source.address });
      const attempt = await takeAttempt(db, headers.cookie, query.state ?? '', now);
      if (!attempt) throw new FleetFault('replayed', 'no sign-in began in this browser: begin again', { rule: 'sign-in.no-attempt' });
      const { tenant } = attempt;
      attribute(tenant);
      if (attempt.returnPath === null)
        throw new FleetFault('replayed', 'this sign-in is used up: begin again', { rule: 'sign-in.attempt-used' });
      const settings = await deps.settingsOf(tenant);
      if (!settings) throw denied('no-provider');
      const claims = await providers.claims(settings, attempt, redirectUri, query);
      const { account, session } = await db.within({ tenant }, (tx) =>
        signInByClaims(tx, keyring, { tenant, claims, settings, now }, (id) => audit({ type: 'account', id })),
      );
      await endPresented(db, headers.cookie, now);
      attribute(tenant, account);
      header('set-cookie', session.cookie);
      header('location', attempt.returnPath);
      return { location: attempt.returnPath };
    },
  });

  return [start, callback];
}

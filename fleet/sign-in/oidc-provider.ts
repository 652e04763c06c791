import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  ResponseBodyError,
} from 'openid-client';
import { FleetFault } from '../http/fault.ts';
import type { Claims, OidcSettings } from './oidc-claims.ts';

/** Somebody waits for it before a page. */
const ANSWER_SEC = 10;
/** Its metadata hardly change; its signing keys are fetched anew by themselves when an unknown one is named. */
const METADATA_MS = 10 * 60_000;

export interface Attempt {
  state: string;
  nonce: string;
  codeVerifier: string;
  /** The second factor is to be shown anew. */
  fresh: boolean;
}

export interface OidcProviders {
  authorizationUrl(settings: OidcSettings, attempt: Attempt, redirectUri: string): Promise<URL>;
  /** What the provider says of who came back with `answer`. @throws {FleetFault} where it says nothing that counts. */
  claims(
    settings: OidcSettings,
    attempt: Attempt,
    redirectUri: string,
    answer: Readonly<Record<string, string | undefined>>,
  ): Promise<Claims>;
}

export function createOidcProviders(now: () => Date): OidcProviders {
  const known = new Map<string, { at: number; secret: string; configuration: Promise<Configuration> }>();

  async function configurationOf(settings: OidcSettings): Promise<Configuration> {
    const key = `${settings.issuer} ${settings.clientId}`;
    const at = now().getTime();
    let entry = known.get(key);
    if (!entry || entry.secret !== settings.clientSecret || at - entry.at > METADATA_MS || at < entry.at) {
      entry = { at, secret: settings.clientSecret, configuration: discover(settings) };
      known.set(key, entry);
    }
    try {
      return await entry.configuration;
    } catch (error) {
      if (known.get(key) === entry) known.delete(key);
      throw unavailable(error);
    }
  }

  return {
    async authorizationUrl(settings, attempt, redirectUri) {
      return buildAuthorizationUrl(await configurationOf(settings), {
        redirect_uri: redirectUri,
        scope: ['openid', 'profile', ...(settings.scopes ?? [])].join(' '),
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
        code_challenge_method: 'S256',
        ...(settings.acceptedAcr.length > 0 && { acr_values: settings.acceptedAcr.join(' ') }),
        ...(attempt.fresh && { max_age: '0' }),
      });
    },
    async claims(settings, attempt, redirectUri, answer) {
      const configuration = await configurationOf(settings);
      const url = new URL(redirectUri);
      for (const [name, value] of Object.entries(answer)) if (value !== undefined) url.searchParams.set(name, value);
      try {
        const tokens = await authorizationCodeGrant(configuration, url, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.codeVerifier,
          idTokenExpected: true,
          // Of the provider's clock to ours, and of typing to coming back.
          ...(attempt.fresh && { maxAge: 300 }),
        });
        return { ...tokens.claims() };
      } catch (error) {
        throw faultOf(error);
      }
    },
  };
}

async function discover(settings: OidcSettings): Promise<Configuration> {
  const issuer = new URL(settings.issuer);
  const execute = [
    // The id token comes over TLS from the provider itself; its signature is verified all the same.
    enableNonRepudiationChecks,
    ...(isPlainLoopback(issuer) ? [allowInsecureRequests] : []),
  ];
  return discovery(issuer, settings.clientId, settings.clientSecret, undefined, { execute, timeout: ANSWER_SEC });
}

/** A provider on this very machine, as in tests. Any other must be reached over TLS: openid-client refuses plain HTTP. */
function isPlainLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && (hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost');
}

function faultOf(error: unknown): FleetFault {
  if (error instanceof AuthorizationResponseError)
    return new FleetFault('access-denied', 'the identity provider did not sign you in', {
      rule: `sign-in.provider-${errorName(error.error)}`,
    });
  // A code that was used before, or is another client's.
  if (error instanceof ResponseBodyError && error.error === 'invalid_grant')
    return new FleetFault('replayed', 'this sign-in is used up: begin again', { rule: 'sign-in.code-refused' });
  if (error instanceof ResponseBodyError || isTransport(error)) return unavailable(error);
  // State, nonce, issuer, audience, signature, age: not what this attempt began with.
  return new FleetFault('access-denied', 'what the identity provider sent does not count', { rule: `sign-in.${codeOf(error)}` });
}

function isTransport(error: unknown): boolean {
  const code = codeOf(error);
  if (code === 'oauth-timeout' || code === 'oauth-abort') return true;
  if (code === 'oauth-response-is-not-conform' || code === 'oauth-parse-error') return true;
  // `fetch failed`: no code of the library's.
  return error instanceof TypeError && code === 'not-conform';
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('OAUTH_') ? code.toLowerCase().replaceAll('_', '-').slice(0, 60) : 'not-conform';
}

function errorName(name: string): string {
  return /^[a-z_]{1,60}$/.test(name) ? name : 'error';
}

function unavailable(error: unknown): FleetFault {
  if (error instanceof FleetFault) return error;
  return new FleetFault('provider-unavailable', 'the identity provider does not answer as it should', {
    retryAfterSec: 30,
    rule: 'sign-in.provider',
  });
}

/** What a tenant says of its identity provider; the client's secret is resolved. */
export interface OidcSettings {
  issuer: string;
  clientId: string;
  clientSecret: string;
  groupsClaim: string;
  /** Names of security profiles by group of the provider. */
  profiles: Readonly<Record<string, readonly string[]>>;
  /** `acr` values that prove a second factor, beside `amr`. They are asked for as well. */
  acceptedAcr: readonly string[];
  acceptedAmr?: readonly string[];
  /** Whose value is the user name here; must not be one that people can change themselves. */
  userClaim?: string;
  /** Beside `openid profile`, where groups ask for one. */
  scopes?: readonly string[];
  /** Somebody unknown gets an account, with the Agent profile alone. */
  createAccounts: boolean;
}

export type Claims = Readonly<Record<string, unknown>>;

/** RFC 8176: what is no password and nothing that a password's thief has too. */
const SECOND_FACTOR_AMR = ['mfa', 'otp', 'hwk', 'fido', 'sc'];
const MOST_GROUPS = 1_000;

/** How the provider says that a second factor was shown; null where it does not. */
export function secondFactorEvidence(claims: Claims, settings: Pick<OidcSettings, 'acceptedAcr' | 'acceptedAmr'>): string | null {
  const accepted = settings.acceptedAmr ?? SECOND_FACTOR_AMR;
  const method = textsOf(claims.amr).find((text) => accepted.includes(text));
  if (method !== undefined) return `amr ${method}`.slice(0, 200);
  const { acr } = claims;
  return typeof acr === 'string' && settings.acceptedAcr.includes(acr) ? `acr ${acr}`.slice(0, 200) : null;
}

/**
 * When it was shown, and nothing is of later than now. Of what the provider does not say nobody knows: it may have been hours ago
 * in a session of the provider's, so that it is never fresh. Where a fresh one is asked for, the provider has to say.
 */
export function shownAt(claims: Claims, now: Date): Date {
  const { auth_time: seconds } = claims;
  return new Date(typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds * 1000, now.getTime()) : 0);
}

export function userNameOf(claims: Claims, { userClaim = 'preferred_username' }: Pick<OidcSettings, 'userClaim'>): string | null {
  const name = Object.hasOwn(claims, userClaim) ? claims[userClaim] : undefined;
  return typeof name === 'string' ? name : null;
}

/** The profiles of all groups together; empty: none of the groups counts here. */
export function profileNamesOf(claims: Claims, { groupsClaim, profiles }: Pick<OidcSettings, 'groupsClaim' | 'profiles'>): string[] {
  const groups = textsOf(Object.hasOwn(claims, groupsClaim) ? claims[groupsClaim] : undefined).slice(0, MOST_GROUPS);
  return [...new Set(groups.flatMap((group) => (Object.hasOwn(profiles, group) ? (profiles[group] ?? []) : [])))];
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : typeof value === 'string' ? [value] : [];
}

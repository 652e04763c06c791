import { Secret, TOTP } from 'otpauth';

const PERIOD_SEC = 30;
/** Steps before and after: a phone's clock, and the time that typing takes. */
const WINDOW = 1;
/** RFC 4226: at least 128 bits, 160 recommended. */
const SECRET_BYTES = 20;

/** Base32, as an authenticator app takes it. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

export function totpUri(secret: string, account: string): string {
  return totpOf(secret, account).toString();
}

/** Which step of time this code is of; null where it is of none that counts now. A step may be used once: the caller keeps them. */
export function totpStep(secret: string, code: string, now: Date): number | null {
  const delta = totpOf(secret, '').validate({ token: code, timestamp: now.getTime(), window: WINDOW });
  return delta === null ? null : Math.floor(now.getTime() / 1000 / PERIOD_SEC) + delta;
}

function totpOf(secret: string, label: string): TOTP {
  return new TOTP({ issuer: 'Deskwarden', label, algorithm: 'SHA1', digits: 6, period: PERIOD_SEC, secret: Secret.fromBase32(secret) });
}

import { createHmac, timingSafeEqual } from 'node:crypto';

/** As RFC 6238 recommends. */
const STEP_MS = 30_000;
const DIGITS = 8;

/**
 * 5 min before and after. A desk whose clock is wrong is one that may need a release, and this is how far Kerberos and
 * most sites' time monitoring let a clock go. It makes 21 codes good at any time.
 */
export const STEPS_EITHER_WAY = 10;

export function stepAt(wallMs: number): number {
  return Math.floor(wallMs / STEP_MS);
}

/** RFC 6238 with HMAC-SHA-256 and 8 digits: it is read from the fleet's console, so no authenticator app has to know it. */
export function codeAt(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha256', secret).update(counter).digest();
  // Dynamic truncation, RFC 4226 section 5.3.
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0');
}

/**
 * The step whose code it is, or null. Steps up to `usedStep` are spent: each code works once, and none works after a later
 * one. Takes the same time whatever the code, and wherever the desk's clock stands.
 */
export function checkCode(secret: Uint8Array, code: string, wallMs: number, usedStep: number | null): number | null {
  const given = Buffer.alloc(DIGITS);
  given.write(code, 'latin1');
  const now = stepAt(wallMs);
  let found: number | null = null;
  for (let step = Math.max(0, now - STEPS_EITHER_WAY); step <= now + STEPS_EITHER_WAY; step += 1) {
    const isSame = timingSafeEqual(given, Buffer.from(codeAt(secret, step), 'latin1'));
    if (isSame && code.length === DIGITS && step > (usedStep ?? -1) && found === null) found = step;
  }
  return found;
}

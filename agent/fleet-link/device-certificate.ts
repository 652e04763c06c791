import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type Answer, fault } from './link-failure.ts';

const DAY_MS = 24 * 60 * 60_000;
/** A clock that is wrong by more lets no TLS work either. */
const CLOCK_TOLERANCE_MS = DAY_MS;
/** For so long after its end a certificate can still be renewed. */
export const RENEWABLE_MS = 90 * DAY_MS;

/** The part of its life at which a certificate is renewed. */
const RENEW_AT = 2 / 3;
/** Desks that were enrolled together drift apart: of the life, to either side. */
const RENEW_JITTER = 0.05;

interface Life {
  fromMs: number;
  untilMs: number;
}

export function lifeOf(certificatePem: string): Life {
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  return { fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) };
}

/** When to renew (wall clock); `random` is in [0, 1). */
export function renewAtMs({ fromMs, untilMs }: Life, random: number): number {
  return fromMs + (untilMs - fromMs) * (RENEW_AT + RENEW_JITTER * (2 * random - 1));
}

/** Whether this is a certificate for this key, by this CA, that can be used now. */
export function checkCertificate(certificatePem: string, keyPem: string, caPem: string, wallMs: number): Answer<Life> {
  const bad = (why: string) => fault('bad-certificate', `the certificate that the fleet gave ${why}`);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certificatePem);
    const ca = new X509Certificate(caPem);
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return bad('is not for the key of this desk');
    if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return bad('is not issued by its CA');
    if (certificate.ca) return bad('is a CA’s');
  } catch {
    return bad('cannot be read');
  }
  const life = lifeOf(certificatePem);
  const atDesk = `this desk has ${new Date(wallMs).toISOString()}`;
  if (life.untilMs <= wallMs - CLOCK_TOLERANCE_MS)
    return fault('clock', `the new certificate ended on ${certificate.validTo}, and ${atDesk}`);
  if (life.fromMs > wallMs + CLOCK_TOLERANCE_MS)
    return fault('clock', `the new certificate begins on ${certificate.validFrom}, and ${atDesk}`);
  return { ok: true, value: life };
}

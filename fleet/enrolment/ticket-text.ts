import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import type { VerificationKey } from '../../contracts/signed-document.ts';

const SECRET_BYTES = 32;

export function newTicketSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** All that the fleet keeps of a ticket's secret. */
export function ticketDigest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** `dw1.<secret>.<fingerprint>`, by which a desk knows this fleet before it has met it (contracts/fleet-api.ts). */
export function ticketText(secret: string, caPem: string, firstKey: VerificationKey): string {
  const { raw } = new X509Certificate(caPem);
  const fingerprint = createHash('sha256').update(raw).update(Buffer.from(firstKey.x, 'base64url')).digest('base64url');
  return `dw1.${secret}.${fingerprint}`;
}

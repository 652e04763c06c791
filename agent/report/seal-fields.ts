import type { SealedFields } from '../../contracts/report.ts';
import type { SealingKey } from '../../contracts/sealing.ts';

/** A report's `sealed` has at most 100,000 characters: base64url takes four for three bytes, and the header some 300. */
const MAX_PLAIN_BYTES = 74_000;

/**
 * A JWE (RFC 7516, compact, ECDH-ES and A256GCM) to the tenant's key; null where nothing is restricted or nobody could
 * open it. Of more than fits, the rules with the most are left out.
 */
export async function sealFields(fields: SealedFields, key: SealingKey | null): Promise<string | null> {
  const text = key && textWithin(fields, MAX_PLAIN_BYTES);
  if (!text) return null;
  // Loaded only on desks that have something to seal.
  const { CompactEncrypt } = await import('jose');
  const { kid, ...publicKey } = key;
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid }).encrypt(publicKey);
}

function textWithin(fields: SealedFields, maxBytes: number): string | null {
  const sized = Object.entries(fields)
    .filter(([, values]) => Object.keys(values).length > 0)
    .map((entry) => ({ entry, bytes: Buffer.byteLength(JSON.stringify(entry)) }))
    .sort((a, b) => a.bytes - b.bytes);
  let left = maxBytes;
  const kept = sized.filter(({ bytes }) => {
    left -= bytes;
    return left >= 0;
  });
  return kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept.map(({ entry }) => entry)));
}

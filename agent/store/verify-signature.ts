import { createPublicKey, verify } from 'node:crypto';
import { DocumentClaims, type SignedDocument, SignedHeader, type VerificationKey } from '../../contracts/signed-document.ts';

/** True when the key made this detached JWS over the text. */
export function isSignedBy({ x }: Pick<VerificationKey, 'x'>, jws: string, body: string): boolean {
  const [header = '', , signature = ''] = jws.split('.');
  const payload = Buffer.from(body, 'utf8');
  // A lone surrogate would be signed as U+FFFD: another text with the same bytes.
  if (payload.toString('utf8') !== body) return false;
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  return verify(null, Buffer.from(`${header}.${payload.toString('base64url')}`), key, Buffer.from(signature, 'base64url'));
}

/** Why no trusted key stands behind the document, or null. `crit` is refused, since no extension is understood. */
export function signatureProblem(document: SignedDocument, keys: readonly VerificationKey[]): string | null {
  const header = SignedHeader.safeParse(headerOf(document.jws));
  if (!header.success) return 'the header is not {alg: EdDSA, kid} and the claims of the document, and nothing else';
  const { kid } = header.data;
  const candidates = keys.filter((key) => key.kid === kid);
  if (candidates.length === 0) return `no trusted key has the id "${kid}"`;
  if (!candidates.some((key) => isSignedBy(key, document.jws, document.body))) return `not signed by key "${kid}"`;
  return claimsOf(header.data) === claimsOf(document) ? null : 'the envelope differs from what was signed';
}

function headerOf(jws: string): unknown {
  try {
    return JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

function claimsOf(holder: DocumentClaims): string {
  return JSON.stringify(DocumentClaims.parse(holder));
}

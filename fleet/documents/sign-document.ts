import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { DocumentClaims, SignedDocument, SignedHeader } from '../../contracts/signed-document.ts';

/** What somebody with the key signs: RFC 7515, the two base64url parts joined by a dot. */
export interface SigningInput {
  header: string;
  payload: string;
}

/** The header repeats the claims, in the order of the contract. */
export function signingInputOf(claims: DocumentClaims, body: string, kid: string): SigningInput {
  const { schema, kind, revision, issuedAt, instance } = claims;
  const header: SignedHeader = { alg: 'EdDSA', kid, schema, kind, revision, issuedAt, instance };
  return { header: base64url(JSON.stringify(header)), payload: base64url(body) };
}

export function signDocument(claims: DocumentClaims, body: string, kid: string, privateKey: KeyObject): SignedDocument {
  const input = signingInputOf(claims, body, kid);
  return withSignature(claims, body, input, sign(null, bytesOf(input), privateKey));
}

export function withSignature(claims: DocumentClaims, body: string, { header }: SigningInput, signature: Uint8Array): SignedDocument {
  return { ...claims, body, jws: `${header}..${Buffer.from(signature).toString('base64url')}` };
}

export function isSignatureOf(input: SigningInput, x: string, signature: Uint8Array): boolean {
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  return verify(null, bytesOf(input), key, signature);
}

/** Id of the key that the header names. */
export function kidOf(jws: string): string | null {
  const header: unknown = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString('utf8'));
  return typeof header === 'object' && header !== null && 'kid' in header && typeof header.kid === 'string' ? header.kid : null;
}

function bytesOf({ header, payload }: SigningInput): Buffer {
  return Buffer.from(`${header}.${payload}`);
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

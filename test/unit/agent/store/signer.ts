import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { DocumentClaims, SignedDocument, VerificationKey } from '../../../../contracts/signed-document.ts';

export const instance = { alias: 'acme', region: 'us-west-2' };

export interface Signer {
  kid: string;
  publicKey: VerificationKey;
  privateKey: KeyObject;
}

export function newSigner(kid: string): Signer {
  return toSigner(kid, generateKeyPairSync('ed25519').privateKey);
}

export function signerOf(kid: string, jwk: { kty: 'OKP'; crv: 'Ed25519'; d: string; x: string }): Signer {
  return toSigner(kid, createPrivateKey({ format: 'jwk', key: jwk }));
}

function toSigner(kid: string, privateKey: KeyObject): Signer {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { kid, publicKey: { kid, x }, privateKey };
}

/** A detached JWS over the text, under any header: also one that no honest signer would write. */
export function detached(signer: Signer, header: unknown, body: string): string {
  const protectedPart = Buffer.from(JSON.stringify(header)).toString('base64url');
  const payload = Buffer.from(body).toString('base64url');
  return `${protectedPart}..${sign(null, Buffer.from(`${protectedPart}.${payload}`), signer.privateKey).toString('base64url')}`;
}

export function signed(signer: Signer, claims: Partial<DocumentClaims>, body: unknown, header: object = {}): SignedDocument {
  const all: DocumentClaims = { schema: 1, kind: 'policy', revision: 1, issuedAt: '2026-11-22T10:00:00Z', instance, ...claims };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { ...all, body: text, jws: detached(signer, { alg: 'EdDSA', kid: signer.kid, ...all, ...header }, text) };
}

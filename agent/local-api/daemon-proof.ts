import { type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { helloText } from '../../contracts/local-api.ts';

export function newNonce(): string {
  return randomBytes(32).toString('base64url');
}

/** `key`: the daemon's Ed25519 private key. */
export function signHello(key: KeyObject, uid: number, nonce: string): string {
  return sign(null, Buffer.from(helloText(uid, nonce)), key).toString('base64url');
}

export function isSignedHello(key: KeyObject, uid: number, nonce: string, signature: string): boolean {
  return verify(null, Buffer.from(helloText(uid, nonce)), key, Buffer.from(signature, 'base64url'));
}

import { createHash, randomBytes } from 'node:crypto';

const shape = /^[A-Za-z0-9_-]{43}$/;

/** 256 bits: nobody guesses one, and one that is no password needs no slow hash. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of it, and what finds it again. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export function isToken(text: string): boolean {
  return shape.test(text);
}

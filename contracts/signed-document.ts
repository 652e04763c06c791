import { z } from 'zod';
import { InstanceAlias, Region } from './instance.ts';

export const DocumentKind = z.enum(['policy', 'allowlist', 'waivers', 'sealing', 'keys']);
export type DocumentKind = z.infer<typeof DocumentKind>;

/** The largest body, the allowlist with every prefix of AWS, has about 120,000 characters. */
export const MAX_BODY_LENGTH = 1_000_000;
const MAX_JWS_LENGTH = 2_000;

/** No fleet counts so far in a thousand years; a desk that claims more is wrong, and the next number would soon be none. */
export const MAX_REVISION = 1_000_000_000_000;

const KeyId = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'expected a key id of letters, digits, dots, hyphens and underscores');

const claims = {
  schema: z.literal(1),
  kind: DocumentKind,
  revision: z.int().positive().max(MAX_REVISION),
  issuedAt: z.iso.datetime(),
  /** Whose desks obey it. */
  instance: z.strictObject({ alias: InstanceAlias, region: Region }),
};

/** What a document says about itself, in this order of keys. */
export const DocumentClaims = z.object(claims);
export type DocumentClaims = z.infer<typeof DocumentClaims>;

/**
 * The protected header of a document's JWS. It repeats the claims: the payload is the body alone, and an envelope that
 * nobody signed could otherwise give an old body a new revision.
 */
export const SignedHeader = z.strictObject({ alg: z.literal('EdDSA'), kid: KeyId, ...claims });
export type SignedHeader = z.infer<typeof SignedHeader>;

/** What the fleet signs and the desk obeys. */
export const SignedDocument = z.strictObject({
  ...claims,
  /** The JSON text itself: what is signed are its UTF-8 bytes, so nobody has to write JSON the same way twice. */
  body: z.string().max(MAX_BODY_LENGTH),
  /** RFC 7515 appendix F: header and signature with the payload left out. The last character leaves no spare bits to vary. */
  jws: z
    .string()
    .max(MAX_JWS_LENGTH)
    .regex(/^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{85}[AQgw]$/, 'expected a detached JWS with an Ed25519 signature'),
});
export type SignedDocument = z.infer<typeof SignedDocument>;

/** An Ed25519 public key: a JWK (RFC 8037), or its raw bytes `x` alone. A JWK with its private part `d` is refused. */
export const VerificationKey = z.strictObject({
  kid: KeyId,
  /** 32 bytes in base64url. */
  x: z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'expected 32 bytes in base64url'),
  kty: z.literal('OKP').optional(),
  crv: z.literal('Ed25519').optional(),
  alg: z.literal('EdDSA').optional(),
  use: z.literal('sig').optional(),
});
export type VerificationKey = z.infer<typeof VerificationKey>;

/** Body of a `keys` document: replaces the keys a desk trusts. */
export const KeySet = z.strictObject({
  schema: z.literal(1),
  revision: z.int().positive().max(MAX_REVISION),
  keys: z
    .array(VerificationKey)
    .min(1)
    .max(16)
    .refine((keys) => new Set(keys.map((key) => key.kid)).size === keys.length, 'two keys have the same kid'),
});
export type KeySet = z.infer<typeof KeySet>;

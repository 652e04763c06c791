import { z } from 'zod';
import { MAX_REVISION } from './signed-document.ts';

/** A public key of the tenant's, X25519 as a JWK (RFC 8037), to which `restricted` fields are sealed. */
export const SealingKey = z.strictObject({
  kid: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
  kty: z.literal('OKP'),
  crv: z.literal('X25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type SealingKey = z.infer<typeof SealingKey>;

/** Body of a `sealing` document: the key to seal to from now on. Null: there is none, and restricted fields stay on the desk. */
export const SealingOrder = z.strictObject({
  schema: z.literal(1),
  revision: z.int().positive().max(MAX_REVISION),
  key: SealingKey.nullable(),
});
export type SealingOrder = z.infer<typeof SealingOrder>;

/** Why sealed fields are not stored: they are no JWE as desks make them, or the key is unknown or was retired too long ago. */
export const SealedFault = z.literal('cse-key-invalid');
export type SealedFault = z.infer<typeof SealedFault>;

import { z } from 'zod';
import { SealingKey } from '../sealing.ts';

export const InstanceParams = z.strictObject({ instance: z.uuid() });

/** Of the key that wraps an instance's data keys. */
export const EncryptionAnswer = z.strictObject({
  keyId: z.string().max(500),
  managedBy: z.enum(['provider', 'customer']),
  status: z.enum(['ACTIVE', 'KEY_UNAVAILABLE', 'KEY_LOST']),
  updateStatus: z.enum(['NONE', 'IN_PROGRESS', 'COMPLETED', 'FAILED']),
  message: z.string().max(1_000).nullable(),
  oldKeyId: z.string().max(500).nullable(),
  safeToRetireOldKey: z.boolean(),
});

/** Public keys of the tenant's, to which desks seal restricted fields; whoever holds the private part alone can open them. */
export const StoredSealingKey = SealingKey.extend({
  addedAt: z.iso.datetime(),
  /** What is sealed to it is still taken for 24 h; until then desks are to have another one, or none. */
  retiredAt: z.iso.datetime().nullable(),
});
export type StoredSealingKey = z.infer<typeof StoredSealingKey>;

export const SealingKeysAnswer = z.strictObject({ items: z.array(StoredSealingKey).max(100) });
export const AddSealingKeyRequest = SealingKey;
export const SealingKeyParams = InstanceParams.extend({ kid: SealingKey.shape.kid });

export const SealedParams = z.strictObject({ id: z.uuid() });
/** The JWE as the desk sent it. */
export const SealedAnswer = z.strictObject({ jwe: z.string().max(100_000), receivedAt: z.iso.datetime() });

import type { KeyOwner } from './place.ts';

/** Sent with every call about an instance's keys, bound as additional data, and readable in audit logs: no secrets in it. */
export type EncryptionContext = Readonly<Record<string, string>>;

export const CONTEXT_KEY = 'deskwarden:instance:arn';

export function contextOf(arn: string): EncryptionContext {
  return { [CONTEXT_KEY]: arn };
}

export interface KeyDescription {
  /** Its one lasting name, whatever alias was asked for. */
  keyId: string;
  managedBy: 'provider' | 'customer';
  state: 'enabled' | 'disabled' | 'pending-deletion';
  /** Whether it is a symmetric key that encrypts and decrypts. */
  symmetric: boolean;
  /** Null: the key is of no region. */
  region: string | null;
  createdAt: Date;
}

export const GRANT_OPERATIONS = [
  'DescribeKey',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'Decrypt',
  'ReEncryptFrom',
  'ReEncryptTo',
] as const;

export interface GrantRequest {
  keyId: string;
  operations: typeof GRANT_OPERATIONS;
  /** Constraint: the grant covers calls that carry this pair. */
  contextSubset: EncryptionContext;
  granteePrincipal: string;
  retiringPrincipal: string;
}

export interface DataKeyRequest {
  keyId: string;
  context: EncryptionContext;
}

export interface DecryptRequest {
  keyId: string;
  context: EncryptionContext;
  wrapped: Uint8Array;
}

export interface ReEncryptRequest {
  wrapped: Uint8Array;
  sourceKeyId: string;
  sourceContext: EncryptionContext;
  destinationKeyId: string;
  destinationContext: EncryptionContext;
}

/**
 * Keeper of the keys that wrap data keys; those never leave it. Every call rejects with a `KeyProviderError` or answers;
 * whoever calls bounds the wait by the signal. Data keys are AES-256.
 */
export interface KeyProvider {
  /** The deployment's own key for this owner, made where there is none. With `after`: its successor, the same for whoever asks. */
  ownKey(owner: KeyOwner, after: string | null, signal: AbortSignal): Promise<string>;
  describeKey(keyId: string, signal: AbortSignal): Promise<KeyDescription>;
  generateDataKey(request: DataKeyRequest, signal: AbortSignal): Promise<{ plain: Buffer; wrapped: Buffer }>;
  generateDataKeyWithoutPlaintext(request: DataKeyRequest, signal: AbortSignal): Promise<Buffer>;
  /** The context must be the very map that the key was wrapped with. */
  decrypt(request: DecryptRequest, signal: AbortSignal): Promise<Buffer>;
  reEncrypt(request: ReEncryptRequest, signal: AbortSignal): Promise<Buffer>;
  /** Absent where keys belong to the deployment alone and nobody grants anything. */
  grants?: {
    create(request: GrantRequest, signal: AbortSignal): Promise<{ grantId: string }>;
    retire(grant: { keyId: string; grantId: string }, signal: AbortSignal): Promise<void>;
  };
}

/**
 * `invalid-ciphertext`: altered, or wrapped under another key or with another context. `not-found`: deleted, or never was.
 * `unreachable`: no answer, so nothing is known of the key.
 */
export type KeyRefusal = 'access-denied' | 'key-disabled' | 'not-found' | 'invalid-ciphertext' | 'unreachable';

export class KeyProviderError extends Error {
  override readonly name = 'KeyProviderError';
  readonly code: KeyRefusal;
  /** Of a call about two keys, the one that is to blame. */
  readonly keyId: string;

  constructor(code: KeyRefusal, keyId: string, detail: string) {
    super(detail);
    this.code = code;
    this.keyId = keyId;
  }
}

/** What is sealed can neither be opened nor added to while its key is out of use: 503 to writes, 403 to reads, never plaintext. */
export class KeyUnavailable extends Error {
  override readonly name = 'KeyUnavailable';
  readonly code = 'key-unavailable';
  readonly keyId: string;
  /** `wiped`: whoever holds it took longer than a data key in plain may live. */
  readonly because: KeyRefusal | 'wiped';

  constructor(keyId: string, because: KeyRefusal | 'wiped') {
    super(`the key ${keyId} cannot be used: ${because}`);
    this.keyId = keyId;
    this.because = because;
  }
}

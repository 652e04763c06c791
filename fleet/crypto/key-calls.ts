import { randomUUID } from 'node:crypto';
import { contextOf, GRANT_OPERATIONS, type KeyDescription, type KeyProvider, KeyProviderError } from './key-provider.ts';
import { type KeyCaller, type KeyEvent, type KeyUse, keyUse } from './key-use.ts';
import { instanceArn, type KeyOwner } from './place.ts';

/** A key service answers in tens of milliseconds; a person at the console waits for it, and so does a transaction. */
const CALL_TIMEOUT_MS = 5_000;

export interface KeyCallsDeps {
  provider: KeyProvider;
  clock: () => Date;
  owner: KeyOwner;
  region: string;
  by: KeyCaller;
  /** Resolves once the record is kept; until then the call is not answered. */
  record(use: KeyUse): Promise<void>;
}

/** The provider's calls about one owner's keys: always in that owner's context, each bounded in time and recorded, however it ends. */
export interface KeyCalls {
  ownKey(after: string | null): Promise<string>;
  describeKey(keyId: string): Promise<KeyDescription>;
  generateDataKey(keyId: string): Promise<{ plain: Buffer; wrapped: Buffer }>;
  generateDataKeyWithoutPlaintext(keyId: string): Promise<Buffer>;
  decrypt(keyId: string, wrapped: Uint8Array): Promise<Buffer>;
  reEncrypt(wrapped: Uint8Array, fromKeyId: string, toKeyId: string): Promise<Buffer>;
  /** Null: the provider knows no grants. */
  createGrant(keyId: string, principal: string): Promise<{ grantId: string } | null>;
  retireGrant(keyId: string, grantId: string): Promise<void>;
}

export function keyCalls({ provider, clock, owner, region, by, record }: KeyCallsDeps): KeyCalls {
  const context = contextOf(instanceArn(owner, region));
  const { grants } = provider;
  const dataKeyParameters = (keyId: string) => ({ keyId, encryptionContext: context, keySpec: 'AES_256' });

  interface Care<T> {
    grantOf?(answer: T): string;
    /** Wipes an answer that nobody is going to get. */
    discard?(answer: T): void;
  }

  async function recorded<T>(event: KeyEvent, call: (signal: AbortSignal) => Promise<T>, care: Care<T> = {}): Promise<T> {
    const facts = { id: randomUUID(), at: clock(), owner, region, by };
    let answer: T;
    try {
      answer = await bounded(event.keys.at(-1) ?? 'own key', call, care.discard);
    } catch (error) {
      await record(keyUse(event, { ...facts, ended: errorOf(error) }));
      throw error;
    }
    try {
      await record(keyUse(event, { ...facts, ended: care.grantOf ? { grantId: care.grantOf(answer) } : {} }));
    } catch (error) {
      care.discard?.(answer);
      throw error;
    }
    return answer;
  }

  return {
    ownKey: (after) =>
      recorded({ eventName: 'CreateKey', requestParameters: after ? { successorOf: after } : {}, keys: [] }, (signal) =>
        provider.ownKey(owner, after, signal),
      ),
    describeKey: (keyId) =>
      recorded({ eventName: 'DescribeKey', requestParameters: { keyId }, keys: [keyId] }, (signal) => provider.describeKey(keyId, signal)),
    generateDataKey: (keyId) =>
      recorded(
        { eventName: 'GenerateDataKey', requestParameters: dataKeyParameters(keyId), keys: [keyId] },
        (signal) => provider.generateDataKey({ keyId, context }, signal),
        { discard: ({ plain }) => plain.fill(0) },
      ),
    generateDataKeyWithoutPlaintext: (keyId) =>
      recorded({ eventName: 'GenerateDataKeyWithoutPlaintext', requestParameters: dataKeyParameters(keyId), keys: [keyId] }, (signal) =>
        provider.generateDataKeyWithoutPlaintext({ keyId, context }, signal),
      ),
    decrypt: (keyId, wrapped) =>
      recorded(
        {
          eventName: 'Decrypt',
          requestParameters: { keyId, encryptionContext: context, encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
          keys: [keyId],
        },
        (signal) => provider.decrypt({ keyId, context, wrapped }, signal),
        { discard: (plain) => plain.fill(0) },
      ),
    reEncrypt: (wrapped, sourceKeyId, destinationKeyId) =>
      recorded(
        {
          eventName: 'ReEncrypt',
          requestParameters: {
            sourceKeyId,
            destinationKeyId,
            sourceEncryptionContext: context,
            destinationEncryptionContext: context,
            encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
          },
          keys: [sourceKeyId, destinationKeyId],
        },
        (signal) =>
          provider.reEncrypt({ wrapped, sourceKeyId, sourceContext: context, destinationKeyId, destinationContext: context }, signal),
      ),
    async createGrant(keyId, principal) {
      if (!grants) return null;
      const request = {
        keyId,
        operations: GRANT_OPERATIONS,
        contextSubset: context,
        granteePrincipal: principal,
        retiringPrincipal: principal,
      };
      const { contextSubset, ...shown } = request;
      const event: KeyEvent = {
        eventName: 'CreateGrant',
        requestParameters: { ...shown, constraints: { encryptionContextSubset: contextSubset } },
        keys: [keyId],
      };
      return recorded(event, (signal) => grants.create(request, signal), { grantOf: ({ grantId }) => grantId });
    },
    async retireGrant(keyId, grantId) {
      if (!grants) return;
      await recorded({ eventName: 'RetireGrant', requestParameters: { keyId, grantId }, keys: [keyId] }, (signal) =>
        grants.retire({ keyId, grantId }, signal),
      );
    },
  };
}

function bounded<T>(keyId: string, call: (signal: AbortSignal) => Promise<T>, discard: ((answer: T) => void) | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      reject(new KeyProviderError('unreachable', keyId, `no answer within ${CALL_TIMEOUT_MS} ms`));
      abort.abort();
    }, CALL_TIMEOUT_MS);
    call(abort.signal)
      .then((answer) => (abort.signal.aborted ? discard?.(answer) : resolve(answer)), reject)
      .finally(() => clearTimeout(timer));
  });
}

const errorCodes = {
  'access-denied': 'AccessDenied',
  'key-disabled': 'KeyDisabled',
  'not-found': 'NotFound',
  'invalid-ciphertext': 'InvalidCiphertext',
  unreachable: 'Unreachable',
} as const;

function errorOf(error: unknown): { errorCode: string; errorMessage: string } {
  if (error instanceof KeyProviderError) return { errorCode: errorCodes[error.code], errorMessage: error.message };
  // A fault of the provider's own code: nobody knows what its words hold.
  return { errorCode: 'InternalFailure', errorMessage: 'the key provider failed' };
}

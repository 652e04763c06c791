import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type EncryptionContext,
  type GrantRequest,
  type KeyDescription,
  type KeyProvider,
  KeyProviderError,
} from '../../../fleet/crypto/key-provider.ts';
import { unambiguous } from '../../../fleet/crypto/place.ts';

/** A key service in memory, as strict as AWS KMS: knows the keys that a test scripted, and throws at any other. */
export interface ScriptedKeyProvider extends KeyProvider {
  readonly log: ScriptedCall[];
  /** Every plain data key that it handed out: the very buffers, so that a test sees them wiped. */
  readonly handedOut: Buffer[];
  script(key: Partial<KeyDescription> & { keyId: string }): void;
  set(keyId: string, state: KeyDescription['state'] | 'deleted'): void;
  /** The customer's side: takes every grant on the key away. */
  revoke(keyId: string): void;
  readonly live: readonly { keyId: string; request: GrantRequest; grantId: string }[];
  latencyMs: number;
  /** Runs when a call has taken effect, before it is answered. */
  after: (call: ScriptedCall) => void;
}

export interface ScriptedCall {
  operation: string;
  keyIds: readonly string[];
  contexts: readonly EncryptionContext[];
  refused?: string;
}

interface ScriptedKey {
  description: KeyDescription;
  deleted: boolean;
  secret: Buffer;
}

export function scriptedKeyProvider(): ScriptedKeyProvider {
  const keys = new Map<string, ScriptedKey>();
  const live: { keyId: string; request: GrantRequest; grantId: string }[] = [];
  const log: ScriptedCall[] = [];
  const handedOut: Buffer[] = [];
  let grantCount = 0;

  function find(keyId: string): ScriptedKey {
    const key = keys.get(keyId);
    if (!key) throw new Error(`unscripted key: ${keyId}`);
    if (key.deleted) throw new KeyProviderError('not-found', keyId, `${keyId} does not exist`);
    return key;
  }

  /** Of a customer's key only what a grant covers, and only in the grant's context. */
  function use(keyId: string, operation: string, context: EncryptionContext): Buffer {
    const { description, secret } = find(keyId);
    const covers = ({ keyId: on, request }: (typeof live)[number]) =>
      on === keyId &&
      request.operations.some((name) => name === operation) &&
      Object.entries(request.contextSubset).every(([name, value]) => context[name] === value);
    if (description.managedBy === 'customer' && !live.some(covers)) {
      throw new KeyProviderError('access-denied', keyId, `no grant covers ${operation} of ${keyId}`);
    }
    if (description.state !== 'enabled') throw new KeyProviderError('key-disabled', keyId, `${keyId} is ${description.state}`);
    return secret;
  }

  async function call<T>(
    operation: string,
    keyIds: readonly string[],
    contexts: readonly EncryptionContext[],
    effect: () => T,
  ): Promise<T> {
    if (provider.latencyMs > 0) await delay(provider.latencyMs);
    const entry: ScriptedCall = { operation, keyIds, contexts };
    log.push(entry);
    try {
      const answer = effect();
      provider.after(entry);
      return answer;
    } catch (error) {
      if (error instanceof KeyProviderError) entry.refused = error.code;
      throw error;
    }
  }

  function script(given: Partial<KeyDescription> & { keyId: string }): void {
    const defaults = { managedBy: 'customer', state: 'enabled', symmetric: true, region: 'eu-central-1', createdAt: new Date(0) } as const;
    keys.set(given.keyId, { description: { ...defaults, ...given }, deleted: false, secret: randomBytes(32) });
  }

  function newDataKey(): Buffer {
    const plain = randomBytes(32);
    handedOut.push(plain);
    return plain;
  }

  const provider: ScriptedKeyProvider = {
    log,
    handedOut,
    live,
    latencyMs: 0,
    after: () => undefined,
    script,
    set(keyId, state) {
      const key = keys.get(keyId);
      if (!key) throw new Error(`unscripted key: ${keyId}`);
      key.deleted = state === 'deleted';
      if (state !== 'deleted') key.description = { ...key.description, state };
    },
    revoke(keyId) {
      for (const grant of live.filter((one) => one.keyId === keyId)) live.splice(live.indexOf(grant), 1);
    },
    ownKey: (owner, after) =>
      call('CreateKey', [], [], () => {
        const version = after === null ? 1 : Number(after.split('#')[1]) + 1;
        const keyId = `prov-${owner.instance}#${version}`;
        if (!keys.has(keyId)) script({ keyId, managedBy: 'provider', region: null });
        return keyId;
      }),
    describeKey: (keyId) => call('DescribeKey', [keyId], [], () => find(keyId).description),
    generateDataKey: ({ keyId, context }) =>
      call('GenerateDataKey', [keyId], [context], () => {
        const secret = use(keyId, 'GenerateDataKey', context);
        const plain = newDataKey();
        return { plain, wrapped: wrap(secret, context, plain) };
      }),
    generateDataKeyWithoutPlaintext: ({ keyId, context }) =>
      call('GenerateDataKeyWithoutPlaintext', [keyId], [context], () =>
        wrap(use(keyId, 'GenerateDataKeyWithoutPlaintext', context), context, randomBytes(32)),
      ),
    decrypt: ({ keyId, context, wrapped }) =>
      call('Decrypt', [keyId], [context], () => {
        const plain = unwrap(use(keyId, 'Decrypt', context), keyId, context, wrapped);
        handedOut.push(plain);
        return plain;
      }),
    reEncrypt: ({ wrapped, sourceKeyId, sourceContext, destinationKeyId, destinationContext }) =>
      call('ReEncrypt', [sourceKeyId, destinationKeyId], [sourceContext, destinationContext], () => {
        const plain = unwrap(use(sourceKeyId, 'ReEncryptFrom', sourceContext), sourceKeyId, sourceContext, wrapped);
        return wrap(use(destinationKeyId, 'ReEncryptTo', destinationContext), destinationContext, plain);
      }),
    grants: {
      create: (request) =>
        call('CreateGrant', [request.keyId], [request.contextSubset], () => {
          find(request.keyId);
          grantCount += 1;
          const grantId = `grant-${grantCount}`;
          live.push({ keyId: request.keyId, request, grantId });
          return { grantId };
        }),
      retire: ({ keyId, grantId }) =>
        call('RetireGrant', [keyId], [], () => {
          const at = live.findIndex((grant) => grant.grantId === grantId);
          if (at < 0) throw new KeyProviderError('not-found', keyId, `${grantId} does not exist`);
          live.splice(at, 1);
        }),
    },
  };
  return provider;
}

function bound(context: EncryptionContext): Buffer {
  const names = Object.keys(context).sort();
  return unambiguous(names.flatMap((name) => [name, context[name] ?? '']));
}

function wrap(secret: Buffer, context: EncryptionContext, plain: Buffer): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(bound(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unwrap(secret: Buffer, keyId: string, context: EncryptionContext, wrapped: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', secret, wrapped.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(bound(context)).setAuthTag(wrapped.subarray(-16));
  try {
    return Buffer.concat([decipher.update(wrapped.subarray(12, -16)), decipher.final()]);
  } catch {
    throw new KeyProviderError('invalid-ciphertext', keyId, 'not wrapped by this key in this context');
  }
}

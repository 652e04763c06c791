import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KEY_BYTES } from './envelope.ts';
import { KeyFileFault, makeKeyFile, openKeyDir, readKeyFile } from './key-file.ts';
import { type EncryptionContext, type KeyProvider, KeyProviderError } from './key-provider.ts';
import { type KeyOwner, unambiguous } from './place.ts';

// A wrapped key: version (1 byte) | nonce (12) | ciphertext (32) | tag (16); the key's id and the context are bound to it.

const VERSION = 1;
const NONCE_AT = 1;
const BODY_AT = 13;
const TAG_AT = BODY_AT + KEY_BYTES;
const WRAPPED_BYTES = TAG_AT + 16;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const idPattern = new RegExp(`^local:(${UUID})/(${UUID})/([1-9]\\d{0,5})$`);
const filePattern = new RegExp(`^(${UUID})_(${UUID})_([1-9]\\d{0,5})\\.kek$`);

/**
 * Keeps the keys in files of one directory, which must lie outside the database and its backups: who holds both holds all.
 * Every replica needs the same directory. Keys that were followed by newer ones stay, to unwrap what they wrapped.
 */
export async function openLocalKeyProvider({ dir, clock }: { dir: string; clock: () => Date }): Promise<KeyProvider> {
  await openKeyDir(dir);

  async function readKey(keyId: string) {
    const file = await readKeyFile(join(dir, fileNameOf(keyId))).catch((error) => refused(keyId, error));
    if (!file) throw new KeyProviderError('not-found', keyId, `${keyId} is not in ${dir}`);
    return file;
  }

  async function withKey<T>(keyId: string, work: (key: Buffer) => T): Promise<T> {
    const { key } = await readKey(keyId);
    try {
      return work(key);
    } finally {
      key.fill(0);
    }
  }

  async function newest(owner: KeyOwner): Promise<number> {
    const versions = (await readdir(dir)).flatMap((name) => {
      const [, tenant, instance, version] = filePattern.exec(name) ?? [];
      return tenant === owner.tenant && instance === owner.instance ? [Number(version)] : [];
    });
    return Math.max(0, ...versions);
  }

  async function make(owner: KeyOwner, version: number): Promise<string> {
    const keyId = `local:${owner.tenant}/${owner.instance}/${version}`;
    await makeKeyFile(join(dir, fileNameOf(keyId)), clock()).catch((error) => refused(keyId, error));
    return keyId;
  }

  async function generateDataKey({ keyId, context }: { keyId: string; context: EncryptionContext }) {
    const plain = randomBytes(KEY_BYTES);
    return { plain, wrapped: await withKey(keyId, (key) => wrap(key, keyId, context, plain)) };
  }

  const decrypt: KeyProvider['decrypt'] = ({ keyId, context, wrapped }) => withKey(keyId, (key) => unwrap(key, keyId, context, wrapped));

  return {
    ownKey: async (owner, after) => make(owner, after === null ? Math.max(1, await newest(owner)) : versionOf(after) + 1),
    async describeKey(keyId) {
      const { createdAt, key } = await readKey(keyId);
      key.fill(0);
      return { keyId, managedBy: 'provider', state: 'enabled', symmetric: true, region: null, createdAt };
    },
    generateDataKey,
    async generateDataKeyWithoutPlaintext(request) {
      const { plain, wrapped } = await generateDataKey(request);
      plain.fill(0);
      return wrapped;
    },
    decrypt,
    async reEncrypt({ wrapped, sourceKeyId, sourceContext, destinationKeyId, destinationContext }, signal) {
      const plain = await decrypt({ keyId: sourceKeyId, context: sourceContext, wrapped }, signal);
      try {
        return await withKey(destinationKeyId, (key) => wrap(key, destinationKeyId, destinationContext, plain));
      } finally {
        plain.fill(0);
      }
    },
  };
}

function refused(keyId: string, error: unknown): never {
  if (error instanceof KeyFileFault) throw new KeyProviderError('access-denied', keyId, error.message);
  throw error;
}

function partsOf(keyId: string): [tenant: string, instance: string, version: string] {
  const [, tenant, instance, version] = idPattern.exec(keyId) ?? [];
  // Also what keeps a stranger's id from naming a file elsewhere.
  if (!tenant || !instance || !version) throw new KeyProviderError('not-found', keyId, 'no id of a local key');
  return [tenant, instance, version];
}

function fileNameOf(keyId: string): string {
  return `${partsOf(keyId).join('_')}.kek`;
}

function versionOf(keyId: string): number {
  return Number(partsOf(keyId)[2]);
}

function wrap(key: Buffer, keyId: string, context: EncryptionContext, plain: Buffer): Buffer {
  const nonce = randomBytes(BODY_AT - NONCE_AT);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo(keyId, context));
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unwrap(key: Buffer, keyId: string, context: EncryptionContext, wrapped: Uint8Array): Buffer {
  const invalid = () => new KeyProviderError('invalid-ciphertext', keyId, 'not wrapped by this key in this context');
  if (wrapped.length !== WRAPPED_BYTES || wrapped[0] !== VERSION) throw invalid();
  const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(NONCE_AT, BODY_AT), { authTagLength: 16 })
    .setAAD(boundTo(keyId, context))
    .setAuthTag(wrapped.subarray(TAG_AT));
  const plain = decipher.update(wrapped.subarray(BODY_AT, TAG_AT));
  try {
    decipher.final();
    return plain;
  } catch {
    plain.fill(0);
    throw invalid();
  }
}

function boundTo(keyId: string, context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return unambiguous([keyId, ...pairs.flat()]);
}

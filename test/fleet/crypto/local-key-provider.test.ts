import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type EncryptionContext, type KeyProvider, KeyProviderError } from '../../../fleet/crypto/key-provider.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-keks-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const clock = () => new Date('2026-03-01T10:00:00.123Z');
const signal = AbortSignal.timeout(60_000);
const context = { 'deskwarden:instance:arn': 'arn:deskwarden:eu-central-1:t:instance/a' };
const newOwner = () => ({ tenant: randomUUID(), instance: randomUUID() });
const newDir = async () => path.join(await mkdtemp(path.join(root, 'd-')), 'keys');

async function openNew() {
  const dir = await newDir();
  const provider = await openLocalKeyProvider({ dir, clock });
  const owner = newOwner();
  const keyId = await provider.ownKey(owner, null, signal);
  const file = path.join(dir, `${owner.tenant}_${owner.instance}_1.kek`);
  return { dir, provider, owner, keyId, file };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(() => null).catch((reason: unknown) => reason);
  return error instanceof KeyProviderError ? error.code : `no refusal: ${error}`;
}

const decryptIn = (provider: KeyProvider, keyId: string, wrapped: Buffer, given: EncryptionContext) =>
  provider.decrypt({ keyId, context: given, wrapped }, signal);

it('S3-47 K1 makes one key for one instance, in a file that nobody else can read', async () => {
  const { dir, provider, owner, keyId, file } = await openNew();
  const other = newOwner();
  const before = await readFile(file);
  expect(await provider.ownKey(owner, null, signal)).toBe(keyId);
  expect(await readFile(file), 'never written over').toEqual(before);
  expect(await provider.ownKey(other, null, signal)).not.toBe(keyId);
  expect(await readdir(dir)).toHaveLength(2);
  expect([(await stat(dir)).mode & 0o777, (await stat(file)).mode & 0o777]).toEqual([0o700, 0o600]);
  expect((await readFile(file)).length).toBe(80);
  expect(await provider.describeKey(keyId, signal)).toEqual({
    keyId,
    managedBy: 'provider',
    state: 'enabled',
    symmetric: true,
    region: null,
    createdAt: clock(),
  });
});

it('unwraps what it wrapped, also after a restart, and keeps no plain key beside', async () => {
  const { dir, provider, keyId } = await openNew();
  const { plain, wrapped } = await provider.generateDataKey({ keyId, context }, signal);
  const again = await openLocalKeyProvider({ dir, clock });
  expect((await decryptIn(again, keyId, wrapped, context)).equals(plain)).toBe(true);
  expect(wrapped.includes(plain)).toBe(false);
  const unseen = await provider.generateDataKeyWithoutPlaintext({ keyId, context }, signal);
  expect((await decryptIn(again, keyId, unseen, context)).length).toBe(32);
});

const otherContexts: readonly (readonly [string, EncryptionContext])[] = [
  ['none', {}],
  ["another instance's", { 'deskwarden:instance:arn': 'arn:deskwarden:eu-central-1:t:instance/b' }],
  ['one pair more', { ...context, also: 'this' }],
  ['one pair more after it', { ...context, zone: 'this' }],
  ['other letters', { 'Deskwarden:instance:arn': context['deskwarden:instance:arn'] }],
];
it.each(otherContexts)('K3 S3-34 refuses to decrypt with a context that is not the very same: %s', async (_, given) => {
  const { provider, keyId } = await openNew();
  const { wrapped } = await provider.generateDataKey({ keyId, context }, signal);
  expect(await codeOf(decryptIn(provider, keyId, wrapped, given))).toBe('invalid-ciphertext');
});

it('S3-12 follows a key by a next one, the same for whoever asks, and still unwraps by the first', async () => {
  const { dir, provider, owner, keyId } = await openNew();
  const { plain, wrapped } = await provider.generateDataKey({ keyId, context }, signal);
  const second = await openLocalKeyProvider({ dir, clock });
  const next = await Promise.all([provider.ownKey(owner, keyId, signal), second.ownKey(owner, keyId, signal)]);
  expect(new Set(next)).toEqual(new Set([`local:${owner.tenant}/${owner.instance}/2`]));
  expect(await provider.ownKey(owner, null, signal)).toBe(next[0]);
  const destination = { destinationKeyId: next[0], destinationContext: context };
  const again = await provider.reEncrypt({ wrapped, sourceKeyId: keyId, sourceContext: context, ...destination }, signal);
  expect((await decryptIn(provider, next[0], again, context)).equals(plain)).toBe(true);
  expect((await decryptIn(provider, keyId, wrapped, context)).equals(plain)).toBe(true);
  expect(await codeOf(decryptIn(provider, keyId, again, context))).toBe('invalid-ciphertext');
});

it('two servers that make the first key at once make one', async () => {
  const dir = await newDir();
  const providers = await Promise.all(Array.from({ length: 8 }, () => openLocalKeyProvider({ dir, clock })));
  const owner = newOwner();
  const ids = await Promise.all(providers.map((provider) => provider.ownKey(owner, null, signal)));
  const [keyId = ''] = ids;
  expect(new Set(ids).size).toBe(1);
  const [first, last] = [providers[0], providers.at(-1)];
  if (!first || !last) throw new Error('no providers');
  const { plain, wrapped } = await first.generateDataKey({ keyId, context }, signal);
  expect((await decryptIn(last, keyId, wrapped, context)).equals(plain)).toBe(true);
  expect(await readdir(dir), 'no half-written file stays').toHaveLength(1);
});

it('never makes a key that is gone anew, nor reads one that a stranger names', async () => {
  const { provider, keyId, file } = await openNew();
  await rm(file);
  expect(await codeOf(provider.generateDataKey({ keyId, context }, signal))).toBe('not-found');
  for (const strange of ['', 'local:../../etc/passwd/x/1', `${keyId}\0`, keyId.replace('/1', '/01')]) {
    expect(await codeOf(provider.describeKey(strange, signal)), strange).toBe('not-found');
  }
});

it('refuses a directory or a file that others may use, and says what to do', async () => {
  const { dir, provider, keyId, file } = await openNew();
  await chmod(file, 0o640);
  await expect(provider.describeKey(keyId, signal)).rejects.toThrow(`${file} is open to others (mode 640): chmod 600 ${file}`);
  expect(await codeOf(provider.generateDataKey({ keyId, context }, signal))).toBe('access-denied');
  await chmod(dir, 0o750);
  await expect(openLocalKeyProvider({ dir, clock })).rejects.toThrow(`${dir} is open to others (mode 750): chmod 700 ${dir}`);
  await writeFile(`${dir}-file`, '');
  await expect(openLocalKeyProvider({ dir: `${dir}-file`, clock })).rejects.toThrow('cannot be made: EEXIST');
});

it('refuses a key file that was altered, cut off, renamed or linked', async () => {
  const { dir, provider, owner, keyId, file } = await openNew();
  const whole = await readFile(file);
  for (const at of [0, 9, 20, 79]) {
    const altered = Buffer.from(whole);
    altered.writeUInt8((whole[at] ?? 0) ^ 1, at);
    await writeFile(file, altered);
    await expect(provider.describeKey(keyId, signal), `byte ${at}`).rejects.toThrow('is damaged, or was renamed');
  }
  await writeFile(file, whole.subarray(0, 40));
  await expect(provider.describeKey(keyId, signal)).rejects.toThrow('is damaged');
  await writeFile(file, whole);
  await expect(provider.describeKey(keyId, signal)).resolves.toMatchObject({ keyId });

  const other = newOwner();
  const otherFile = path.join(dir, `${other.tenant}_${other.instance}_1.kek`);
  await copyFile(file, otherFile);
  await chmod(otherFile, 0o600);
  await expect(provider.describeKey(`local:${other.tenant}/${other.instance}/1`, signal)).rejects.toThrow('was renamed');
  await rename(file, `${file}.away`);
  await symlink(`${file}.away`, file);
  expect(await codeOf(provider.describeKey(`local:${owner.tenant}/${owner.instance}/1`, signal))).toBe('access-denied');
});

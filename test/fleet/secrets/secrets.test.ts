import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { readSecret, type SecretProvider } from '../../../fleet/secrets/read-secret.ts';
import { SecretReference } from '../../../fleet/secrets/secret-reference.ts';
import { staticKeyLines } from '../../../fleet/secrets/static-keys.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-secrets-'));
afterAll(() => rm(root, { recursive: true, force: true }));
afterEach(() => {
  vi.useRealTimers();
});

async function fileWith(name: string, content: string | Buffer, mode = 0o600): Promise<string> {
  const file = path.join(root, name);
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

const references = [
  ['file:/run/secrets/db', true],
  ['env:DATABASE_URL', true],
  ['secret://vault/deskwarden/oidc#client'.replace('#', '/'), true],
  ['hunter2-the-password', false],
  ['postgres://app:hunter2@db.example.com/fleet', false],
  ['file:relative/path', false],
  ['file:///run/secrets/db', false],
  ['file:', false],
  ['env:', false],
  ['env:A B', false],
  ['env:NAME\nx', false],
  ['secret://vault', false],
  ['secret://Vault/x', false],
  ['FILE:/run/secrets/db', false],
  ['', false],
] as const;

it.each(references)('S0-35 takes a reference and refuses what may be the secret itself: %j', (text, isTaken) => {
  const result = SecretReference.safeParse(text);
  expect(result.success).toBe(isTaken);
  if (text.length > 5 && !result.success) expect(JSON.stringify(result.error.issues)).not.toContain(text);
});

it('reads a file without the newline at its end, also through a link, and an environment variable as it is', async () => {
  const file = await fileWith('plain', 'a secret\n', 0o640);
  await symlink(file, path.join(root, 'link'));
  expect(await readSecret(`file:${file}`, { env: {} })).toBe('a secret');
  expect(await readSecret(`file:${path.join(root, 'link')}`, { env: {} })).toBe('a secret');
  expect(await readSecret('env:NAME', { env: { NAME: ' as it is\n' } })).toBe(' as it is\n');
});

it('refuses a file that every user may use, and says what to do', async () => {
  for (const mode of [0o644, 0o602, 0o601]) {
    const file = await fileWith('loose', 'a secret', mode);
    await expect(readSecret(`file:${file}`, { env: {} })).rejects.toThrow(
      `file:${file} is open to every user (mode ${mode.toString(8)}): chmod o= ${file}`,
    );
  }
});

it('refuses what is no secret: none, an empty one, a directory, a pipe, too much, no text', async () => {
  const pipe = path.join(root, 'pipe');
  execFileSync('mkfifo', ['-m', '600', pipe]);
  const faults = [
    [path.join(root, 'none'), 'cannot be read: ENOENT'],
    [await fileWith('empty', '\n'), 'is empty'],
    [root, 'is no regular file'],
    [pipe, 'is no regular file'],
    [await fileWith('large', 'x'.repeat(65_537)), 'has more than 65536 bytes'],
    [await fileWith('binary', Buffer.of(0xff, 0xfe, 0x00)), 'is no text'],
  ] as const;
  for (const [file, message] of faults) await expect(readSecret(`file:${file}`, { env: {} })).rejects.toThrow(message);
  await expect(readSecret('env:NONE', { env: {} })).rejects.toThrow('env:NONE: the environment has no such variable');
  await expect(readSecret('env:EMPTY', { env: { EMPTY: '' } })).rejects.toThrow('env:EMPTY is empty');
  await expect(readSecret('hunter2', { env: {} })).rejects.toThrow(/^a secret was given itself/);
});

it('asks the secret manager that the reference names, and says where there is none', async () => {
  const asked: string[] = [];
  const vault: SecretProvider = {
    read: async (name) => {
      asked.push(name);
      if (name === 'gone') throw new Error('backend said: hunter2');
      return 'from the vault';
    },
  };
  const sources = { env: {}, providers: new Map([['vault', vault]]) };
  expect([await readSecret('secret://vault/fleet/oidc', sources), asked]).toEqual(['from the vault', ['fleet/oidc']]);
  await expect(readSecret('secret://vault/gone', sources)).rejects.toThrow(
    /^secret:\/\/vault\/gone: the secret manager refused or does not have it$/,
  );
  await expect(readSecret('secret://aws/fleet', sources)).rejects.toThrow(
    'secret://aws/fleet: this server is not connected to a secret manager',
  );
  await expect(readSecret('secret://vault/x', { env: {} })).rejects.toThrow('not connected');
});

it('does not wait for a secret manager for ever', async () => {
  vi.useFakeTimers();
  const silent: SecretProvider = { read: () => new Promise(() => undefined) };
  const outcome = readSecret('secret://vault/x', { env: {}, providers: new Map([['vault', silent]]) }).catch(
    (error: Error) => error.message,
  );
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await outcome).toBe('secret://vault/x: no answer within 10000 ms');
});

// Put together here, so that no scanner of this repository takes it for one.
const someKeyId = `AKIA${'ABCDEFGHIJKLMNOP'}`;

it('S0-32 finds an AWS key in a configuration, also in a comment, and leaves references and other words alone', () => {
  const text = [
    'schema: 1',
    `# was: ${someKeyId}`,
    `storage: { accessKeyId: ${someKeyId} }`,
    'AWS_ACCESS_KEY_ID=whatever',
    '"secretAccessKey": "abc"',
    'aws_secret_access_key: env:AWS_SECRET_ACCESS_KEY',
    'region: eu-central-1',
    'aws_session_token: x',
    'accessKeyId:',
  ].join('\n');
  expect(staticKeyLines(text)).toEqual([2, 3, 4, 5, 8]);
  expect(staticKeyLines('schema: 1\ndevice:\n  url: https://fleet.example.com:7443\n')).toEqual([]);
});

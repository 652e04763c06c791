import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loud } from '../loud.ts';
import { rigOptions } from '../options.ts';
import { appHooks } from '../registry.ts';

export type SafeStorage = Pick<
  Electron.SafeStorage,
  'isEncryptionAvailable' | 'encryptString' | 'decryptString' | 'getSelectedStorageBackend'
>;

const PREFIX = Buffer.from('v10');
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A key in a file stands for the keychain of the operating system. */
function key(): Buffer {
  const file = path.join(rigOptions().userDataDir, 'rig-safe-key');
  if (!existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(KEY_BYTES), { mode: 0o600 });
  }
  return readFileSync(file);
}

export const safeStorage: SafeStorage = loud('safeStorage', {
  isEncryptionAvailable: () => appHooks().isReady(),
  getSelectedStorageBackend: () => 'basic_text' as const,
  encryptString: (text: string) => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key(), nonce);
    return Buffer.concat([PREFIX, nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  },
  decryptString: (sealed: Buffer) => {
    const from = PREFIX.length + NONCE_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', key(), sealed.subarray(PREFIX.length, from));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(from, -TAG_BYTES)), decipher.final()]).toString();
  },
});

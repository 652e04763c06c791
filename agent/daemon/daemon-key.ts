import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { daemonKeyPath } from '../../contracts/local-link/address.ts';
import { replaceFile } from '../store/replace-file.ts';
import { toStoreError } from '../store/store-error.ts';

/** Null where it cannot be read: then there is no daemon to know, or none of this version. */
export async function readDaemonPublicKey(runDir: string): Promise<KeyObject | null> {
  const pem = await readFile(daemonKeyPath(runDir), 'utf8').catch(() => null);
  return pem === null ? null : createPublicKey(pem);
}

/** The key by which clients know the daemon; made at the first start. The private part never leaves the state directory. */
export async function loadDaemonKey(stateDir: string, runDir: string): Promise<{ privateKey: KeyObject }> {
  const keyPath = path.join(stateDir, 'daemon.key');
  const stored = await readFile(keyPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw toStoreError(error, keyPath);
  });
  const kept = stored === null ? null : readKey(stored);
  // A key that cannot be read any more is no reason to leave the desk without a daemon: clients read the public part anew.
  const privateKey = kept ?? generateKeyPairSync('ed25519').privateKey;
  if (!kept) await replaceFile(keyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await publish(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(), runDir).catch((error) => {
    throw toStoreError(error, runDir);
  });
  return { privateKey };
}

function readKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

/** Everybody may read it whatever the umask, and nobody finds it half written. */
async function publish(pem: string, runDir: string): Promise<void> {
  const made = await mkdir(runDir, { recursive: true });
  if (made !== undefined) await chmod(runDir, 0o755);
  const publicPath = daemonKeyPath(runDir);
  await writeFile(`${publicPath}.new`, pem);
  await chmod(`${publicPath}.new`, 0o644);
  await rename(`${publicPath}.new`, publicPath);
}

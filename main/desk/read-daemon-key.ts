import { createPublicKey, type KeyObject } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import path from 'node:path';
import { daemonKeyPath } from '../../contracts/local-link/address.ts';
import { LinkFault, linkFaultOf } from '../../contracts/local-link/link-fault.ts';
import { type Ownership, ownershipFlaw, parentFlaw } from './daemon-trust.ts';

/** A public Ed25519 key in PEM has 113 bytes. */
const MAX_KEY_BYTES = 4_096;

/**
 * The key by which the daemon is known. It proves something only where nobody but root can have put it there, so every
 * directory above it is looked at too. Rejects with a `LinkFault`: `no-daemon` where there is none.
 */
export async function readDaemonKey(runDir: string, owners: readonly number[]): Promise<KeyObject> {
  for (let dir = runDir; ; dir = path.dirname(dir)) {
    const found = ownershipOf(await orNoDaemon(lstat(dir), dir));
    refuse(dir === runDir ? ownershipFlaw(dir, found, 'directory', owners) : parentFlaw(dir, found, owners));
    if (dir === path.dirname(dir)) break;
  }
  const keyPath = daemonKeyPath(runDir);
  // What is read is what was looked at: a link is not followed, and a pipe keeps nobody waiting.
  const file = await orNoDaemon(open(keyPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK), keyPath);
  try {
    refuse(ownershipFlaw(keyPath, ownershipOf(await file.stat()), 'file', owners));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_KEY_BYTES), 0, MAX_KEY_BYTES, 0);
    return readKey(buffer.toString('utf8', 0, bytesRead), keyPath);
  } finally {
    await file.close();
  }
}

function readKey(pem: string, keyPath: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Told below.
  }
  throw new LinkFault('not-the-daemon', `${keyPath} holds no Ed25519 key`);
}

function refuse(flaw: string | null): void {
  if (flaw !== null) throw new LinkFault('not-the-daemon', flaw);
}

async function orNoDaemon<T>(looking: Promise<T>, what: string): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    const fault = error as NodeJS.ErrnoException;
    if (fault.code === 'ELOOP') throw new LinkFault('not-the-daemon', `${what} is a link`);
    throw linkFaultOf(fault, what);
  }
}

function ownershipOf(stats: Stats): Ownership {
  const kind = stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
  return { kind, uid: stats.uid, mode: stats.mode };
}

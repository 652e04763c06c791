import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const MACHINE_ID_PATH = '/etc/machine-id';

/**
 * A fingerprint of this installation of the system, as SHA-256 in hex; null where it cannot be told. It is of
 * machine-id(5) alone: a host name changes over a computer's life, and may not be set yet when the daemon first starts.
 * The id itself is not to leave the computer, hence the hash. Not told apart: clones of an image whose id was not reset.
 */
export async function readMachineImage(path = MACHINE_ID_PATH): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const id = text.trim();
  // An image that waits for its first boot says `uninitialized`.
  if (!/^[0-9a-f]{32}$/.test(id)) return null;
  return createHash('sha256').update(`deskwarden machine image 1\n${id}`).digest('hex');
}

import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { Identity } from '../../contracts/identity.ts';
import { openStateFile, type SetAside } from '../store/state-file.ts';
import { errnoOf, toStoreError } from '../store/store-error.ts';

export interface IdentityFile {
  read(): Promise<Identity>;
  /** Changes what is on the disk now: the command line writes it too. Rejects with a `StoreError`. */
  update(change: (identity: Identity) => Identity): Promise<Identity>;
  /** Another text whenever somebody has written the file. */
  stamp(): Promise<string>;
}

export interface IdentitySettings {
  stateDir: string;
  /** Fingerprint of this installation; null where it could not be told. */
  image: string | null;
  /** This disk is cloned: an identity of another installation is not ours. */
  goldenImage: boolean;
  /** The file was no identity. */
  onSetAside?: (report: SetAside) => void;
  /** The identity came with the image; the desk has none of its own. */
  onForeignImage?: (device: string | null) => void;
}

const nobody: Identity = { schema: 1, pending: null, enrolled: null, revokedAt: null, image: null, attempt: null };

/** Who this desk is to its fleet. Rejects with a `StoreError`. */
export async function openIdentity({ stateDir, image, goldenImage, onSetAside, onForeignImage }: IdentitySettings): Promise<IdentityFile> {
  const file = path.join(stateDir, 'identity.json');
  const state = await openStateFile({ path: file, schema: Identity, fallback: nobody, onSetAside });
  if (goldenImage && image !== null) {
    const found = await state.read();
    if (found.image !== null && found.image !== image) {
      // Not kept: every clone would have the key of the desk that the image was made of.
      await rm(file).catch((error) => {
        throw toStoreError(error, file);
      });
      onForeignImage?.(found.enrolled?.device ?? null);
    }
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    read: () => state.read(),
    update(change) {
      const turn = last.then(async () => {
        const changed = { ...change(await state.read()), image };
        await state.write(changed);
        return changed;
      });
      last = turn.catch(() => {});
      return turn;
    },
    async stamp() {
      try {
        const { ino, mtimeMs, size } = await lstat(file);
        return `${ino} ${mtimeMs} ${size}`;
      } catch (error) {
        return errnoOf(error);
      }
    },
  };
}

/**
 * This desk is enrolled, waits to be, or was: one whose identity is damaged is still its fleet's, and says so. Nothing is set
 * aside here: whoever opens the identity tells of it. Rejects with a `StoreError`.
 */
export async function hasFleet(stateDir: string): Promise<boolean> {
  const file = path.join(stateDir, 'identity.json');
  try {
    const names = await readdir(stateDir);
    if (names.some((name) => name.startsWith('identity.json.corrupt-'))) return true;
    const { data } = Identity.safeParse(parseJson(await readFile(file, 'utf8')));
    return !data || data.pending !== null || data.enrolled !== null;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toStoreError(error, file);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import { lstat, rename } from 'node:fs/promises';
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
  onForeignImage?: (movedTo: string) => void;
}

/** One is kept, for whoever wants to know which desk the image was made of. */
const FOREIGN_SUFFIX = '.other-image';

const nobody: Identity = { schema: 1, pending: null, enrolled: null, revokedAt: null, image: null, attempt: null };

/** Who this desk is to its fleet. Rejects with a `StoreError`. */
export async function openIdentity({ stateDir, image, goldenImage, onSetAside, onForeignImage }: IdentitySettings): Promise<IdentityFile> {
  const file = path.join(stateDir, 'identity.json');
  const state = await openStateFile({ path: file, schema: Identity, fallback: nobody, onSetAside });
  if (goldenImage && image !== null) {
    const found = await state.read();
    if (found.image !== null && found.image !== image) {
      const movedTo = `${file}${FOREIGN_SUFFIX}`;
      await rename(file, movedTo).catch((error) => {
        throw toStoreError(error, file);
      });
      onForeignImage?.(movedTo);
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

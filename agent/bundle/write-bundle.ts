import { constants } from 'node:fs';
import { lstat, open, unlink } from 'node:fs/promises';
import { replaceFile } from '../store/replace-file.ts';
import { errnoOf } from '../store/store-error.ts';

export type BundleWritten = { ok: true } | { ok: false; why: 'exists' | 'not-a-file' } | { ok: false; why: 'system'; code: string };

/**
 * A new file that its maker alone can read. Root may be writing into a user's directory, so a link at the path is never
 * followed: it is refused, or, were it put there at the last instant, replaced itself.
 */
export async function writeBundle(path: string, text: string, force: boolean): Promise<BundleWritten> {
  try {
    const found = await lstat(path).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (found === null) {
      await writeNew(path, text);
      return { ok: true };
    }
    if (!found.isFile()) return { ok: false, why: 'not-a-file' };
    if (!force) return { ok: false, why: 'exists' };
    await replaceFile(path, text);
    return { ok: true };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = errnoOf(cause);
    return code === 'EEXIST' ? { ok: false, why: 'exists' } : { ok: false, why: 'system', code: code || String(error) };
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0), 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
}

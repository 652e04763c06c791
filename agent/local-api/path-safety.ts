import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** What is at a path, symlinks not followed; null when nothing is. */
export async function lookAt(filePath: string): Promise<Stats | null> {
  try {
    return await lstat(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Who can swap a component of a path can make us use another file than we checked. Null when only root and ourselves can:
 * every component is a real directory of one of the two, and writable by others only where it is sticky, so that nobody can
 * rename what is not his.
 *
 * @param dir absolute, without dots
 */
export async function pathFlaw(dir: string, ownUid: number): Promise<string | null> {
  for (let part = dir; ; part = path.dirname(part)) {
    const found = await lookAt(part);
    if (!found?.isDirectory()) return `${part} is no directory`;
    if (found.uid !== 0 && found.uid !== ownUid) return `${part} belongs to uid ${found.uid}`;
    if (isLoose(found) && (found.mode & STICKY) === 0) return `${part} can be written by others`;
    if (part === path.dirname(part)) return null;
  }
}

/** True when every component of a path is looked at on the way up from it. */
export function isPlain(dir: string): boolean {
  return path.resolve(dir) === dir;
}

/** True when others can put something into a directory. */
export function isLoose(directory: Stats): boolean {
  return (directory.mode & WRITABLE_BY_OTHERS) !== 0;
}

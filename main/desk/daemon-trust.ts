/** Of a file or directory, what tells who could have put it there. */
export interface Ownership {
  kind: 'directory' | 'file' | 'other';
  uid: number;
  mode: number;
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Why what is there need not be the daemon's; null where nobody but root can have put it there. `owners` is root alone in the
 * released app.
 */
export function ownershipFlaw(what: string, found: Ownership | null, kind: 'directory' | 'file', owners: readonly number[]): string | null {
  if (found?.kind !== kind) return `${what} is no ${kind}`;
  if (!owners.includes(found.uid)) return `${what} belongs to uid ${found.uid}`;
  if ((found.mode & WRITABLE_BY_OTHERS) !== 0) return `${what} can be written by others`;
  return null;
}

/** The same of a directory above: others may put things beside, as long as they cannot rename what is not theirs. */
export function parentFlaw(what: string, found: Ownership | null, owners: readonly number[]): string | null {
  const isSticky = found !== null && (found.mode & STICKY) !== 0;
  return ownershipFlaw(what, found && isSticky ? { ...found, mode: found.mode & ~WRITABLE_BY_OTHERS } : found, 'directory', owners);
}

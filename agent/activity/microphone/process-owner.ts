import { readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { isBrowserName } from './browser-names.ts';

/**
 * Whether a process (or a thread of it) is a browser that an agent runs and root installed. Anything of a user's own can bear
 * a browser's name, and must not be vouched for.
 */
export async function isAgentsBrowser(pid: number, agentUids: readonly number[], procDir: string): Promise<boolean> {
  const process = path.join(procDir, String(pid));
  try {
    // The directory's owner is root where a browser forbids its processes to be inspected.
    const uid = /^Uid:\t(\d+)/m.exec(await readFile(path.join(process, 'status'), 'utf8'))?.[1];
    if (uid === undefined || !agentUids.includes(Number(uid))) return false;
    // After an update the running image is no longer there.
    const image = (await readlink(path.join(process, 'exe'))).replace(/ \(deleted\)$/, '');
    if (!isBrowserName(image)) return false;
    const { uid: owner, mode } = await stat(path.join(process, 'exe'));
    return owner === 0 && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}

import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';

/**
 * Tells of anything that happens where the daemon would make this user's socket, in the deepest directory that is there and
 * may be looked at: the user's own, the daemon's, the one above. One watcher; what cannot be watched is left to the next
 * attempt. Signs can come in any number, and most mean nothing.
 */
export function watchForDaemon(runDir: string, uid: number | null, onSign: () => void): () => void {
  const ownDir = path.join(runDir, String(uid));
  const places: [dir: string, names: (name: string) => boolean][] = [
    // Of the directory itself it is told too: when it is given back to its user, the socket in it can be reached.
    [ownDir, () => true],
    [runDir, (name) => name === String(uid) || name === path.basename(runDir)],
    // Busy with what other programs make and remove.
    [path.dirname(runDir), (name) => name === path.basename(runDir)],
  ];
  let watcher: FSWatcher | null = null;
  for (const [dir, concerns] of uid === null ? [] : places) {
    try {
      watcher = watch(dir, { persistent: false }, (_event, name) => {
        if (name === null || concerns(name)) onSign();
      });
      // What is watched went away.
      watcher.on('error', () => watcher?.close());
      break;
    } catch {
      // Not there, or not ours to look at; or the system has no watcher left.
    }
  }
  return () => watcher?.close();
}

import path from 'node:path';

/** Where the daemon listens for one user. The directory above it, not the socket, is what keeps other users out. */
export function localApiPath(dir: string, uid: number): string {
  return path.join(dir, String(uid), 'api.sock');
}

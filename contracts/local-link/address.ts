/** Where the daemon listens for one user. The directory above it, not the socket, is what keeps other users out. */
export function localApiPath(runDir: string, uid: number): string {
  return `${runDir}/${uid}/api.sock`;
}

/** Where clients find the daemon's public key: only root may write beside the sockets. */
export function daemonKeyPath(runDir: string): string {
  return `${runDir}/daemon.pub`;
}

import type { Stats } from 'node:fs';
import { chmod, lchown, mkdir, rmdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { geteuid } from 'node:process';
import { localApiPath } from '../../contracts/local-link/address.ts';
import { lookAt } from './path-safety.ts';
import { SocketRefused } from './socket-fault.ts';

/** `sun_path` of the smallest system less its NUL; a longer path would be cut short without a word. */
const MAX_PATH_BYTES = 103;
const OWNER_ONLY_DIR = 0o700;
const OWNER_ONLY_SOCKET = 0o600;

export interface UserSocket {
  /** False once somebody, who can only be the user, removed or replaced the socket, as far as we may look. */
  isThere(): Promise<boolean>;
  /** Listens no more and removes what it made. Open connections are the caller's to end. */
  close(): Promise<void>;
}

/**
 * Node tells nothing about the process at the other end of a socket, so the directory is the access control: mode 0700 and
 * the user's own, so that only he (and root) gets to the socket in it.
 *
 * The directory is the user's only while nothing is done in it. Whatever the daemon does there by name, it does after taking
 * the directory back, since its owner could put a link to somebody else's file in place of the name at any instant.
 *
 * @param dir checked by the caller: nobody but root and ourselves can rename what is in it
 */
export async function openUserSocket(
  dir: string,
  uid: number,
  staleProbeMs: number,
  onConnection: (socket: Socket) => void,
): Promise<UserSocket> {
  const socketPath = localApiPath(dir, uid);
  const userDir = path.dirname(socketPath);
  if (Buffer.byteLength(socketPath) > MAX_PATH_BYTES) throw new SocketRefused('path-too-long', socketPath);
  await takeBack(userDir, uid);
  let server: Server | undefined;
  try {
    await clearStale(socketPath, staleProbeMs);
    server = await listen(socketPath, onConnection);
    await chmod(socketPath, OWNER_ONLY_SOCKET);
    await lchown(socketPath, uid, -1);
    const made = await lookAt(socketPath);
    await handOver(userDir, uid);
    return userSocket(server, socketPath, uid, made);
  } catch (error) {
    server?.close();
    await handOver(userDir, uid);
    throw error;
  }
}

function userSocket(server: Server, socketPath: string, uid: number, made: Stats | null): UserSocket {
  const userDir = path.dirname(socketPath);
  return {
    async isThere() {
      try {
        const found = await lookAt(socketPath);
        // Inode numbers are used again.
        return found?.ino === made?.ino && found?.ctimeMs === made?.ctimeMs;
      } catch {
        // Where we may not look (no CAP_DAC_READ_SEARCH, or a file system the user put over it) there is nothing to mend.
        return true;
      }
    },
    async close() {
      try {
        await takeBack(userDir, uid);
      } finally {
        // Node removes the socket with the server.
        await new Promise((resolve) => server.close(resolve));
      }
      await remove(userDir, uid);
    },
  };
}

function ownUid(): number {
  return geteuid?.() ?? 0;
}

/** Makes the directory, or makes it ours. From here on its former owner can neither enter nor change it. */
async function takeBack(userDir: string, uid: number): Promise<void> {
  const found = await lookAt(userDir);
  if (found === null) return await mkdir(userDir, { mode: OWNER_ONLY_DIR });
  if (!found.isDirectory()) throw new SocketRefused('unsafe-path', `${userDir} is no directory`);
  if (found.uid !== ownUid() && found.uid !== uid) throw new SocketRefused('unsafe-path', `${userDir} belongs to uid ${found.uid}`);
  if (found.uid !== ownUid()) await lchown(userDir, ownUid(), -1);
  await chmod(userDir, OWNER_ONLY_DIR);
}

async function handOver(userDir: string, uid: number): Promise<void> {
  if (uid !== ownUid()) await lchown(userDir, uid, -1);
}

/** Leaves the name free. A socket on which somebody answers is somebody's; anything else than a socket we did not put there. */
async function clearStale(socketPath: string, staleProbeMs: number): Promise<void> {
  const found = await lookAt(socketPath);
  if (found === null) return;
  if (!found.isSocket()) throw new SocketRefused('unsafe-path', `${socketPath} is no socket`);
  // Without CAP_DAC_OVERRIDE even root connects to nobody's socket but his own.
  await lchown(socketPath, ownUid(), -1);
  if (await isListening(socketPath, staleProbeMs)) {
    await lchown(socketPath, found.uid, -1);
    throw new SocketRefused('in-use', `somebody listens on ${socketPath}`);
  }
  await unlink(socketPath);
}

function isListening(socketPath: string, staleProbeMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (isThere: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isThere);
    };
    const timer = setTimeout(() => settle(true), staleProbeMs);
    socket.on('connect', () => settle(true));
    // Only this says that nobody has the socket open; a full queue (EAGAIN) says the opposite.
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code !== 'ECONNREFUSED'));
  });
}

function listen(socketPath: string, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      // An accept that failed (no file descriptor left) concerns that one client, who tries again.
      server.on('error', () => {});
      resolve(server);
    });
  });
}

async function remove(userDir: string, uid: number): Promise<void> {
  try {
    await rmdir(userDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    // The user keeps something there: his own again.
    await handOver(userDir, uid);
  }
}

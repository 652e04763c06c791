import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What a running server wrote into its data directory (PostgreSQL's miscinit.h). */
export interface Postmaster {
  pid: number;
  port: number;
  socketDir: string;
  status: 'starting' | 'ready' | 'stopping' | 'standby' | '';
}

export async function readPostmaster(dataDir: string): Promise<Postmaster | null> {
  const text = await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : parsePostmaster(text);
}

/** Null for a file that is still being written. */
function parsePostmaster(text: string): Postmaster | null {
  const lines = text.split('\n').map((line) => line.trim());
  const [pid, , , port, socketDir] = lines;
  const number = Number(pid);
  if (!Number.isSafeInteger(number) || number === 0) return null;
  const status = lines[7] ?? '';
  return {
    // Negative: a server in single-user mode.
    pid: Math.abs(number),
    port: Number(port) || 0,
    socketDir: socketDir ?? '',
    status: status === 'starting' || status === 'ready' || status === 'stopping' || status === 'standby' ? status : '',
  };
}

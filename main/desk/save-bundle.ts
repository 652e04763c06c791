import { execFile } from 'node:child_process';
import path from 'node:path';
import type { Result } from '../../contracts/call.ts';

/** Where the package installs the command line. By absolute path: a search path is the user's to change. */
export const programPaths: Readonly<Record<'win32' | 'darwin' | 'linux', string>> = {
  linux: '/usr/bin/deskwarden',
  darwin: '/usr/local/bin/deskwarden',
  win32: 'C:\\Program Files\\Deskwarden\\deskwarden.exe',
};

/** It asks the daemon and a few tools, each with a deadline of its own. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface SaveBundlePorts {
  /** Runs it to its end; rejects with what Node gives. */
  run(program: string, args: readonly string[]): Promise<void>;
  wallMs(): number;
  show(filePath: string): void;
}

type Saved = Result<{ path: string }, 'busy' | 'no-daemon'>;

/** The support bundle is the command line's own: it knows what to leave out. One at a time. */
export function createSaveBundle(programPath: string, folder: string, { run, wallMs, show }: SaveBundlePorts): () => Promise<Saved> {
  let isRunning = false;
  return async () => {
    if (isRunning) return { ok: false, error: { code: 'busy', detail: 'a bundle is being written' } };
    isRunning = true;
    try {
      const stamp = new Date(wallMs()).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
      const filePath = path.join(folder, `deskwarden-${stamp}.json`);
      await run(programPath, ['bundle', '--out', filePath]);
      show(filePath);
      return { ok: true, value: { path: filePath } };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { ok: false, error: { code: 'no-daemon', detail: `not installed: no ${programPath}` } };
      return { ok: false, error: { code: 'internal', detail: message.slice(0, 500) } };
    } finally {
      isRunning = false;
    }
  };
}

/** Without a shell; of the environment only what says whose files are meant. */
export function runProgram(program: string, args: readonly string[], env: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true }, (error, _stdout, stderr) => {
      if (!error) return resolve();
      const last = stderr.trim().split('\n').at(-1) ?? '';
      reject(Object.assign(new Error(last === '' ? error.message : last), { code: error.code }));
    });
  });
}

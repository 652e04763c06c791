import { type SpawnOptions, spawn } from 'node:child_process';

/** System account that a program runs as; null keeps this process's. */
export type Account = { uid: number; gid: number } | null;

export interface ProgramEnd {
  code: number | null;
  said: string;
}

const SAID_CHARS = 20_000;

export function runProgram(file: string, args: readonly string[], account: Account, deadlineMs: number): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...programOptions(account),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: deadlineMs,
      killSignal: 'SIGKILL',
    });
    let said = '';
    const listen = (text: string) => {
      said = (said + text).slice(-SAID_CHARS);
    };
    child.stdout?.setEncoding('utf8').on('data', listen);
    child.stderr?.setEncoding('utf8').on('data', listen);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

/** Nothing of this process's environment: PGDATA, PGPORT and the like would speak to a server of someone else's. */
export function programOptions(account: Account): SpawnOptions {
  return { cwd: '/', env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' }, shell: false, windowsHide: true, ...account };
}

import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { decode, encode } from './codec.ts';
import { LoudEmitter, loud } from './loud.ts';

export type UtilityProcess = Pick<Electron.UtilityProcess, 'pid' | 'postMessage' | 'kill' | 'on' | 'once' | 'off' | 'removeAllListeners'>;

class RigUtilityProcess extends LoudEmitter {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    super('utilityProcess', ['spawn', 'exit', 'message'], ['error']);
    this.#child = child;
    child.on('spawn', () => this.emit('spawn'));
    child.on('exit', (code) => this.emit('exit', code ?? 1));
    child.on('message', (message) => this.emit('message', decode(message)));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  postMessage(message: unknown): void {
    this.#child.send(encode(message) as object);
  }

  kill(): boolean {
    return this.#child.kill();
  }
}

/** A plain Node process with Electron's `process.parentPort`; stdout and stderr are inherited. */
export const utilityProcess: {
  fork(file: string, args?: string[], options?: Pick<Electron.ForkOptions, 'env' | 'cwd' | 'execArgv' | 'serviceName'>): UtilityProcess;
} = loud('utilityProcess', {
  fork: (file, args = [], options = {}) => {
    const execArgv = ['-r', path.join(__dirname, 'utility.cjs'), ...(options.execArgv ?? [])];
    const child = fork(file, args, { execArgv, env: { ...(options.env ?? process.env) }, ...(options.cwd && { cwd: options.cwd }) });
    return loud('utilityProcess (process)', new RigUtilityProcess(child)) as unknown as UtilityProcess;
  },
});

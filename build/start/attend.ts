import type { ChildProcess } from 'node:child_process';
import { exitCodeOf } from '../../test/lab/processes.ts';

/** Waits for a command's exit status. Once `stop` is aborted, by the signal that is its reason, the command has `graceMs` to end. */
export function attend(child: ChildProcess, stop: AbortSignal, graceMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = () => {
      const by = stop.reason as NodeJS.Signals;
      // At a terminal Ctrl-C reaches the command by itself; a second one would make it give up at once.
      if (!(by === 'SIGINT' && process.stdin.isTTY)) child.kill(by);
      setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
    };
    if (stop.aborted) end();
    else stop.addEventListener('abort', end, { once: true });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      stop.removeEventListener('abort', end);
      resolve(exitCodeOf(code, signal));
    });
  });
}

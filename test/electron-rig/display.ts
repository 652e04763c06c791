import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { toolPath } from '../../build/debian-tools.ts';

export interface Display {
  /** What DISPLAY shall be. */
  name: string;
  close(): Promise<void>;
}

/** A screen nobody sees. Xvfb picks a free number itself and says it on the descriptor once it is ready. */
export async function startDisplay(): Promise<Display> {
  const child = spawn(toolPath('Xvfb'), ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const said = child.stdio[3];
  if (!said) throw new Error('Xvfb was started without its descriptor 3');
  const [number] = await Promise.race([
    once(said, 'data'),
    ended.then(() => {
      throw new Error('Xvfb ended before it had a display');
    }),
  ]);
  return {
    name: `:${String(number).trim()}`,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

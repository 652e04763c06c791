import type { Platform } from '../../checks/host.ts';
import type { ActivitySignal } from '../../contracts/gate.ts';
import { bounded } from '../host/bounded.ts';
import { LINUX_PLACES, type LinuxPlaces, lookOnLinux } from './microphone/linux.ts';
import { lookOnMac } from './microphone/macos.ts';
import { type RunTool, runTool } from './microphone/run-tool.ts';
import { lookOnWindows } from './microphone/windows.ts';
import type { ActivityReader } from './reader.ts';

/** At most one of each side. */
export type MicrophoneWord = Pick<ActivitySignal, 'side' | 'says'>;

export interface MicrophoneReaderOptions {
  platform: Platform;
  run?: RunTool;
  linux?: LinuxPlaces;
}

/** More than a tool's own deadline: reached only where the kernel itself does not answer, as of a sound card that hangs. */
const READ_MS = 3_000;

/** Tells whether a browser or the tray app of an agent holds a microphone. On Windows it looks at everybody who is signed in. */
export function createMicrophoneReader({ platform, run = runTool, linux = LINUX_PLACES }: MicrophoneReaderOptions): ActivityReader {
  const look = (agentUids: readonly number[]): Promise<readonly MicrophoneWord[]> => {
    if (platform === 'linux') return lookOnLinux(agentUids, linux, run);
    return platform === 'darwin' ? lookOnMac(agentUids, run) : lookOnWindows(run);
  };
  const unending = new AbortController().signal;
  /** One look at a time, so that one that hangs keeps one of the few threads for files and not all of them. */
  let looking: { words: Promise<readonly MicrophoneWord[]>; sinceMs: number } | null = null;

  return {
    source: 'microphone',
    async read(agentUids, nowMs) {
      if (!looking) {
        const started = { words: look(agentUids), sinceMs: nowMs };
        looking = started;
        const ended = () => {
          looking = null;
        };
        started.words.then(ended, ended);
      }
      const { words, sinceMs } = looking;
      const ending = await bounded<readonly MicrophoneWord[]>({ ms: READ_MS, signal: unending }, (settle, fail) => {
        words.then(settle, fail);
        return () => {};
      });
      const said: readonly MicrophoneWord[] = ending.ok ? ending.value : [{ side: 'privileged', says: 'unknown' }];
      return said.map((word) => ({ source: 'microphone', ...word, observedAtMs: sinceMs }));
    },
    async close() {},
  };
}

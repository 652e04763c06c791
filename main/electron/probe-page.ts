import type { ProbeTask } from '../../contracts/ipc.ts';
import { pageUrl } from '../ipc/sender-rule.ts';
import type { ProbePage } from '../probes/session-probes.ts';
import type { Windows } from './windows.ts';

export function createProbePage({ open, of }: Windows, send: (task: ProbeTask) => void, onGone: () => void): ProbePage {
  return {
    open() {
      const window = open('probe');
      window.webContents.on('render-process-gone', onGone);
      void window.loadURL(pageUrl('probe')).catch(() => {});
    },
    send,
    close() {
      for (const window of of('probe')) window.destroy();
    },
  };
}

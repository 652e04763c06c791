import { ipcMain } from 'electron';
import { CALL_CHANNEL, EVENT_CHANNEL } from '../ipc/channels.ts';
import type { IpcPort } from '../ipc/ipc-port.ts';
import { isPageUrl } from '../ipc/sender-rule.ts';
import { isPage } from '../windows/window-spec.ts';
import type { Windows } from './windows.ts';

/** The only place that listens to pages. */
export function createIpcPort({ kindOf, of }: Windows): IpcPort {
  return {
    onCall(take) {
      ipcMain.handle(CALL_CHANNEL, ({ sender, senderFrame }, name: unknown, request: unknown) => {
        const kind = kindOf(sender);
        const page = kind !== null && isPage(kind) ? kind : null;
        return take({ page, isTopFrame: senderFrame?.parent === null, url: senderFrame?.url ?? '' }, name, request);
      });
    },
    send(page, name, payload) {
      for (const { webContents } of of(page)) {
        if (isPageUrl(page, webContents.getURL())) webContents.send(EVENT_CHANNEL, name, payload);
      }
    },
  };
}

import { Notification } from 'electron';
import type { Notice } from '../tray/choose-notice.ts';

/** The last one takes the place of the one before it: what that said is no longer so. */
export function createNotices(onClick: () => void): (notice: Notice) => void {
  let last: Notification | null = null;
  return ({ title, body }) => {
    last?.close();
    last = null;
    if (!Notification.isSupported()) return;
    // Without a sound: it may come in the middle of a call.
    const notification = new Notification({ title, body, silent: true });
    notification.on('click', onClick);
    notification.show();
    last = notification;
  };
}

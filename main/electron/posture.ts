import type { WindowBounds } from '../settings.ts';
import type { PostureHandle } from '../windows/posture-window.ts';
import type { Windows } from './windows.ts';

export function openPosture({ open }: Windows, url: string, bounds: WindowBounds | undefined): PostureHandle {
  const window = open('posture', { bounds });
  window.once('ready-to-show', () => window.show());
  // A page that cannot be loaded says so itself.
  const load = (address: string) => void window.loadURL(address).catch(() => {});
  load(url);
  return {
    load,
    bringForward() {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    onClosed(listener) {
      let last: WindowBounds | null = null;
      window.on('close', () => {
        last = window.getBounds();
      });
      window.once('closed', () => listener(last));
    },
  };
}

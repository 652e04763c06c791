import type { WindowBounds } from '../settings.ts';
import { type AppWindow, bringForward, loadInto } from './app-window.ts';
import type { PostureHandle } from './posture-window.ts';

export function postureHandle(window: AppWindow, url: string): PostureHandle {
  // A page that cannot be loaded says so itself.
  const load = loadInto(window);
  window.once('ready-to-show', () => window.show());
  load(url);
  return {
    load,
    bringForward: () => bringForward(window),
    onClosed(listener) {
      let last: WindowBounds | null = null;
      window.on('close', () => {
        last = window.getNormalBounds();
      });
      window.once('closed', () => listener(last));
    },
  };
}

import type { AppContents, PopUp } from '../windows/app-window.ts';
import { createMediaCount } from './media-count.ts';

/**
 * Watches a page, all that it opens, and what those open: whether anything plays in one of them, and which are open. A sign-in that
 * went on in a pop-up would hold the session open, so they go together.
 */
export function watchPages(page: AppContents, monotonicMs: () => number, onMedia: (isLive: boolean) => void): { closePopups(): void } {
  const popups = new Set<PopUp>();
  const playing = new Set<AppContents>();

  const watch = (contents: AppContents) => {
    const tell = (isLive: boolean) => {
      if (isLive) playing.add(contents);
      else playing.delete(contents);
      onMedia(playing.size > 0);
    };
    const media = createMediaCount(tell, monotonicMs);
    contents.on('media-started-playing', media.started);
    contents.on('media-paused', media.stopped);
    contents.on('audio-state-changed', ({ audible }) => media.audible(audible));
    // Of the main frame alone, and not within a document.
    contents.on('did-navigate', media.anew);
    contents.once('destroyed', () => tell(false));
    contents.on('did-create-window', (popup) => {
      // One that may not be is gone by now.
      if (popup.isDestroyed()) return;
      popups.add(popup);
      popup.once('closed', () => popups.delete(popup));
      watch(popup.webContents);
    });
  };
  watch(page);
  return {
    closePopups() {
      for (const popup of popups) popup.destroy();
    },
  };
}

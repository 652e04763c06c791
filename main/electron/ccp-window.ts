import { type BrowserWindow, dialog, screen, type WebContents } from 'electron';
import type { Texts } from '../../checks/texts/lookup.ts';
import type { QuitPorts } from '../ask-before-quit.ts';
import { bannerPlace } from '../ccp/banner-place.ts';
import type { CcpPorts, CcpWindowHandle } from '../ccp/ccp-ports.ts';
import { createMediaCount } from '../ccp/media-count.ts';
import { pageUrl } from '../ipc/sender-rule.ts';
import type { WindowBounds } from '../settings.ts';
import type { Windows } from './windows.ts';

type RefusedGoing = { isMainFrame: boolean; url: string };

type WindowPorts = Pick<CcpPorts, 'openCcp' | 'openBlocked' | 'openBanner' | 'offerReload'> & Pick<QuitPorts, 'confirmQuit'>;

/** `lastBounds`: where the window was when the app last ended. */
export function ccpWindowPorts(
  windows: Windows,
  lastBounds: () => WindowBounds | undefined,
  texts: () => Texts,
  monotonicMs: () => number,
): WindowPorts {
  const shown = new WeakMap<CcpWindowHandle, BrowserWindow>();
  let latest: BrowserWindow | null = null;
  return {
    openCcp(url, at, { onClosing, onGone, onMedia, onCrashed, onLoaded, onFailed, onRefused }) {
      const window = windows.open('ccp', { bounds: at ?? lastBounds() });
      const { webContents } = window;
      const playing = new Set<WebContents>();
      const watch = (contents: WebContents) => watchMedia(contents, playing, monotonicMs, () => onMedia(playing.size > 0));
      watch(webContents);
      // A sign-in that went on in a pop-up would hold the session open.
      const closePopups = followPopups(webContents, watch);
      window.once('closed', () => {
        closePopups();
        onGone();
      });
      const load = (address: string) => void window.loadURL(address).catch(() => {});
      window.on('close', (event) => {
        if (!onClosing()) event.preventDefault();
      });
      webContents.on('render-process-gone', () => onCrashed());
      webContents.on('did-navigate', () => onLoaded());
      webContents.on('did-fail-load', (_event, code, error, failedUrl, isMainFrame) => {
        if (isMainFrame) onFailed({ code, error, url: failedUrl });
      });
      const ifRefused = ({ isMainFrame, defaultPrevented, url: refusedUrl }: Electron.Event<RefusedGoing>) => {
        if (isMainFrame && defaultPrevented) onRefused(refusedUrl);
      };
      webContents.on('will-frame-navigate', ifRefused);
      webContents.on('will-redirect', ifRefused);
      let isHidden = false;
      window.once('ready-to-show', () => isHidden || window.showInactive());
      load(url);
      const handle: CcpWindowHandle = {
        ...shownWindow(window),
        load,
        minimise: () => window.minimize(),
        setHidden(is) {
          isHidden = is;
          if (is) window.hide();
          else window.showInactive();
        },
        destroy() {
          closePopups();
          window.destroy();
        },
      };
      shown.set(handle, window);
      latest = window;
      return handle;
    },
    openBlocked(at, onGone) {
      const window = windows.open('blocked', { bounds: at ?? lastBounds() });
      window.once('closed', onGone);
      window.once('ready-to-show', () => window.showInactive());
      void window.loadURL(pageUrl('blocked')).catch(() => {});
      return shownWindow(window);
    },
    openBanner(over, onGone) {
      const parent = shown.get(over);
      const banner = windows.open('banner', parent ? { parent } : {});
      const follow = () => {
        if (banner.isDestroyed()) return;
        const at = over.bounds();
        banner.setBounds(bannerPlace(at, screen.getDisplayMatching(at).workArea, banner.getBounds().height));
      };
      follow();
      parent?.on('move', follow);
      parent?.on('resize', follow);
      banner.once('closed', onGone);
      banner.once('ready-to-show', () => banner.showInactive());
      void banner.loadURL(pageUrl('banner')).catch(() => {});
      return {
        destroy() {
          parent?.off('move', follow);
          parent?.off('resize', follow);
          banner.destroy();
        },
      };
    },
    async offerReload(signal) {
      const { ui } = texts();
      const buttons = [ui('ccp.crash.open'), ui('ccp.crash.leave')];
      const { response } = await dialog.showMessageBox({
        signal,
        type: 'warning',
        message: ui('ccp.crash.title'),
        detail: ui('ccp.crash.body'),
        buttons,
        defaultId: 0,
        cancelId: 1,
      });
      return response === 0;
    },
    async confirmQuit() {
      const { ui } = texts();
      const options: Electron.MessageBoxOptions = {
        type: 'warning',
        message: ui('ccp.quit.title'),
        detail: ui('ccp.quit.body'),
        buttons: [ui('ccp.quit.stay'), ui('ccp.quit.end')],
        defaultId: 0,
        cancelId: 0,
      };
      // Without a window macOS stands still for it, and so would the app.
      const over = latest === null || latest.isDestroyed() ? null : latest;
      if (over) bringForward(over);
      const { response } = await (over ? dialog.showMessageBox(over, options) : dialog.showMessageBox(options));
      return response === 1;
    },
  };
}

/** Gives what closes all that the page has opened, and what those have. */
function followPopups(contents: WebContents, watch: (popup: WebContents) => void): () => void {
  const popups = new Set<BrowserWindow>();
  const follow = (opener: WebContents) => {
    opener.on('did-create-window', (popup) => {
      popups.add(popup);
      popup.once('closed', () => popups.delete(popup));
      watch(popup.webContents);
      follow(popup.webContents);
    });
  };
  follow(contents);
  return () => {
    for (const popup of popups) popup.destroy();
  };
}

/** Keeps it in `playing` while something plays in it. */
function watchMedia(contents: WebContents, playing: Set<WebContents>, monotonicMs: () => number, onChange: () => void): void {
  const tell = (isLive: boolean) => {
    if (isLive) playing.add(contents);
    else playing.delete(contents);
    onChange();
  };
  const media = createMediaCount(tell, monotonicMs);
  contents.on('media-started-playing', media.started);
  contents.on('media-paused', media.stopped);
  contents.on('audio-state-changed', ({ audible }) => media.audible(audible));
  // Of the main frame alone, and not within a document.
  contents.on('did-navigate', media.anew);
  contents.once('destroyed', () => tell(false));
}

/** A window can go without a word, as when its page closes it: then it stays where it last was, and nothing brings it back. */
function shownWindow(window: BrowserWindow) {
  let last = window.getBounds();
  return {
    bounds() {
      if (!window.isDestroyed()) last = window.getBounds();
      return last;
    },
    destroy: () => window.destroy(),
    bringForward() {
      if (!window.isDestroyed()) bringForward(window);
    },
  };
}

function bringForward(window: BrowserWindow): void {
  window.restore();
  window.show();
  window.focus();
}

import type { WindowBounds } from '../settings.ts';
import { type AppWindow, bringForward, loadInto } from '../windows/app-window.ts';
import { bannerPlace } from './banner-place.ts';
import type { CcpWindowEvents, CcpWindowHandle, LivingWindow } from './ccp-ports.ts';
import { watchPages } from './watch-pages.ts';

export function ccpHandle(window: AppWindow, url: string, events: CcpWindowEvents, monotonicMs: () => number): CcpWindowHandle {
  const { webContents } = window;
  const { closePopups } = watchPages(webContents, monotonicMs, events.onMedia);
  const load = loadInto(window);
  let isHidden = false;
  window.once('closed', () => {
    closePopups();
    events.onGone();
  });
  window.on('close', (event) => {
    if (!events.onClosing()) event.preventDefault();
  });
  webContents.on('render-process-gone', () => events.onCrashed());
  webContents.on('did-navigate', () => events.onLoaded());
  webContents.on('did-fail-load', (_event, code, error, failedUrl, isMainFrame) => {
    if (isMainFrame) events.onFailed({ code, error, url: failedUrl });
  });
  const ifRefused = (going: { url: string; isMainFrame: boolean; defaultPrevented: boolean }) => {
    if (going.isMainFrame && going.defaultPrevented) events.onRefused(going.url);
  };
  webContents.on('will-frame-navigate', ifRefused);
  webContents.on('will-redirect', ifRefused);
  window.once('ready-to-show', () => isHidden || window.showInactive());
  load(url);
  return {
    ...livingWindow(window),
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
}

/** A page of ours in the place of the CCP. */
export function blockedHandle(window: AppWindow, url: string, onGone: () => void): LivingWindow {
  window.once('closed', onGone);
  window.once('ready-to-show', () => window.showInactive());
  loadInto(window)(url);
  return livingWindow(window);
}

interface BannerPlaces {
  over: AppWindow;
  /** Of the screen that shows most of it. */
  workAreaOf(bounds: WindowBounds): WindowBounds;
}

export function bannerHandle(
  banner: AppWindow,
  url: string,
  { over, workAreaOf }: BannerPlaces,
  onGone: () => void,
): Pick<LivingWindow, 'destroy'> {
  const follow = () => {
    if (banner.isDestroyed()) return;
    const at = over.getBounds();
    banner.setBounds(bannerPlace(at, workAreaOf(at), banner.getBounds().height));
  };
  follow();
  over.on('move', follow);
  over.on('resize', follow);
  banner.once('closed', onGone);
  banner.once('ready-to-show', () => banner.showInactive());
  loadInto(banner)(url);
  return {
    destroy() {
      over.off('move', follow);
      over.off('resize', follow);
      banner.destroy();
    },
  };
}

/** A window can go without a word, as when its page closes it: then it stays where it last was, and nothing brings it back. */
function livingWindow(window: AppWindow): LivingWindow {
  let last = window.getNormalBounds();
  const look = () => {
    if (!window.isDestroyed()) last = window.getNormalBounds();
  };
  window.on('move', look);
  window.on('resize', look);
  return {
    bounds() {
      look();
      return last;
    },
    destroy: () => window.destroy(),
    bringForward: () => bringForward(window),
  };
}

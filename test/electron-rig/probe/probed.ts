import { setTimeout as delay } from 'node:timers/promises';
import type { BrowserWindow, Session } from 'electron';
import type { Observations } from './observe.ts';
import type { Site } from './site.ts';

/** What the observations share: one window, its session, and what happened to it. */
export interface Probed {
  see: Observations['see'];
  site: Site;
  window: BrowserWindow;
  session: Session;
  js(code: string, userGesture?: boolean): Promise<unknown>;
  load(path: string): Promise<void>;
  /** Events since the last look that match. */
  take(pattern?: RegExp): string[];
  note(event: string): void;
  /** Addresses without what differs from run to run. */
  plain(text: string): string;
}

// Longer than anything that still happens after a page was told to do something.
const SETTLE_MS = 250;
export const settle = () => delay(SETTLE_MS);

const loadEvents = ['did-start-loading', 'dom-ready', 'did-finish-load', 'did-stop-loading'] as const;

export function probed(see: Observations['see'], site: Site, window: BrowserWindow, session: Session): Probed {
  const { webContents } = window;
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const plain = (text: string) =>
    text.replaceAll(site.origin, 'BASE').replaceAll(site.socketOrigin, 'SOCKET').replaceAll(site.tlsOrigin, 'TLS');
  for (const event of loadEvents) webContents.on(event as 'dom-ready', () => note(event));
  webContents.on('did-fail-load', (_event, code, description) => note(`did-fail-load ${code} ${description}`));
  webContents.on('will-navigate', (event) => {
    note(`will-navigate ${plain(event.url)}`);
    if (event.url.endsWith('/deny')) event.preventDefault();
  });
  webContents.on('will-frame-navigate', ({ url, isMainFrame, initiator }) => {
    const by = initiator?.parent === null ? 'by the page' : 'by a frame';
    note(`will-frame-navigate ${plain(url)} ${isMainFrame ? 'page' : 'frame'} ${by}`);
  });
  webContents.on('will-redirect', (_event, url) => note(`will-redirect ${plain(url)}`));
  webContents.on('did-navigate', (_event, url) => note(`did-navigate ${plain(url)}`));
  return {
    see,
    site,
    window,
    session,
    js: (code, userGesture) => webContents.executeJavaScript(code, userGesture),
    load: (path) => window.loadURL(site.origin + path),
    take: (pattern = /./) => events.splice(0).filter((event) => pattern.test(event)),
    note,
    plain,
  };
}

import { setTimeout as delay } from 'node:timers/promises';
import type { BrowserWindow } from '../browser-window-type.ts';
import { quietly, send } from '../chromium/browser.ts';
import type { Protocol } from '../chromium/cdp.ts';
import { contentsByTarget, makeWindow } from '../registry.ts';
import { fromBrowser } from '../schemes.ts';
import type { WindowOpenHandler, WindowOpenResponse, WindowOptions } from '../window-options.ts';
import type { Adopted, Disposition, RigContents } from './contents.ts';
import { optionsOfFeatures } from './features.ts';

export interface Popups {
  setHandler(handler: WindowOpenHandler): void;
  /** window.open of a script: whether it may go on. What the handler said is kept for the page that comes of it. */
  asked(question: { url: string; frameName: string; features: string }): Promise<boolean>;
  /** The browser tells what a page is about to open, by whatever means. */
  announced(opening: Protocol.Page.windowOpenPayload): void;
  /** The new page is there, paused before its first script. */
  came(targetId: string, sessionId: string): Promise<void>;
  /** A page is to come that this one opens. */
  isExpecting(): boolean;
  /** All that this page has opened is in hand. */
  settled(): Promise<void>;
  /** A link that a person opens elsewhere: Electron makes a window for it that has nothing of this page. */
  linked(url: string, disposition: Disposition): void;
}

// The page may come before its announcement; both arrive within a few turns.
const ANNOUNCEMENT_POLLS = 50;
const POLL_MS = 10;

export function popups(contents: RigContents): Popups {
  let handler: WindowOpenHandler = () => ({ action: 'allow' });
  const approved: { response: WindowOpenResponse; details: Electron.HandlerDetails }[] = [];
  const coming = new Set<Promise<void>>();
  const announcements: Protocol.Page.windowOpenPayload[] = [];

  const detailsOf = (url: string, frameName: string, features: string, disposition: Disposition): Electron.HandlerDetails => ({
    url: fromBrowser(url),
    frameName: frameName === '_blank' ? '' : frameName,
    features,
    disposition,
    referrer: { url: contents.mainFrame.url, policy: 'strict-origin-when-cross-origin' },
  });
  const openedDetails = (url: string, frameName: string, features: string) =>
    detailsOf(url, frameName, features, features.includes('width') || features.includes('popup') ? 'new-window' : 'foreground-tab');
  const announcement = async () => {
    for (let poll = 0; announcements.length === 0 && poll < ANNOUNCEMENT_POLLS; poll += 1) await delay(POLL_MS);
    return announcements.shift();
  };
  const open = (override: object | undefined, details: Electron.HandlerDetails, adopted?: Adopted): BrowserWindow => {
    const asked = { show: true, width: 800, height: 600, ...optionsOfFeatures(details.features) };
    const options: WindowOptions = { ...asked, ...override };
    const window = makeWindow(options, adopted && { session: contents.session, adopted });
    if (!adopted) quietly(window.loadURL(details.url).catch(() => {}));
    contents.emit('did-create-window', window, { ...details, options });
    return window;
  };
  return {
    setHandler: (next) => {
      handler = next;
    },
    asked: async ({ url, frameName, features }) => {
      // In Electron the window is there before the script that opens it goes on.
      for (let poll = 0; approved.length > 0 && poll < ANNOUNCEMENT_POLLS; poll += 1) await delay(POLL_MS);
      const details = openedDetails(url, frameName, features);
      const response = handler(details);
      if (response.action === 'allow') approved.push({ response, details });
      return response.action === 'allow';
    },
    announced: (opening) => void announcements.push(opening),
    came: async (targetId, sessionId) => {
      const opening = await announcement();
      const early = approved.shift();
      // A link has asked nobody yet.
      const details =
        early?.details ?? openedDetails(opening?.url ?? '', opening?.windowName ?? '', (opening?.windowFeatures ?? []).join(','));
      const response = early?.response ?? handler(details);
      if (response.action === 'deny') {
        // It shares its opener's process: its requests are held, then it must run, or the close would never go through.
        await send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId);
        quietly(send('Target.closeTarget', { targetId }));
        quietly(send('Runtime.runIfWaitingForDebugger', undefined, sessionId));
        return;
      }
      open(response.overrideBrowserWindowOptions, details, { targetId, sessionId });
      const ready = contentsByTarget.get(targetId)?.ready ?? Promise.resolve();
      coming.add(ready);
      await ready;
      coming.delete(ready);
    },
    settled: async () => {
      for (let poll = 0; approved.length > 0 && poll < ANNOUNCEMENT_POLLS; poll += 1) await delay(POLL_MS);
      await Promise.all(coming);
    },
    isExpecting: () => approved.length > 0 || announcements.length > 0,
    linked: (url, disposition) => {
      const details = detailsOf(url, '', '', disposition);
      const response = handler(details);
      if (response.action === 'allow') open(response.overrideBrowserWindowOptions, details);
    },
  };
}

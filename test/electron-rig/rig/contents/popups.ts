import { setTimeout as delay } from 'node:timers/promises';
import { quietly, send } from '../chromium/browser.ts';
import type { Protocol } from '../chromium/cdp.ts';
import { makeWindow } from '../registry.ts';
import { fromBrowser } from '../schemes.ts';
import type { RigContents } from './contents.ts';

type Handler = Parameters<Electron.WebContents['setWindowOpenHandler']>[0];
type Response = ReturnType<Handler>;

export interface Popups {
  setHandler(handler: Handler): void;
  /** window.open of a script: whether it may go on. What the handler said is kept for the page that comes of it. */
  asked(question: { url: string; frameName: string; features: string }): boolean;
  /** The browser tells what a page is about to open, by whatever means. */
  announced(opening: Protocol.Page.windowOpenPayload): void;
  /** The new page is there, paused before its first script. */
  came(targetId: string, sessionId: string): Promise<void>;
}

// The page may come before its announcement; both arrive within a few turns.
const ANNOUNCEMENT_POLLS = 50;
const POLL_MS = 10;

export function popups(contents: RigContents): Popups {
  let handler: Handler = () => ({ action: 'allow' });
  const approved: { response: Response; details: Electron.HandlerDetails }[] = [];
  const announcements: Protocol.Page.windowOpenPayload[] = [];

  const detailsOf = (url: string, frameName: string, features: string): Electron.HandlerDetails => ({
    url: fromBrowser(url),
    frameName: frameName === '_blank' ? '' : frameName,
    features,
    disposition: features.includes('width') || features.includes('popup') ? 'new-window' : 'foreground-tab',
    referrer: { url: contents.mainFrame.url, policy: 'strict-origin-when-cross-origin' },
  });
  const announcement = async () => {
    for (let poll = 0; announcements.length === 0 && poll < ANNOUNCEMENT_POLLS; poll += 1) await delay(POLL_MS);
    return announcements.shift();
  };
  return {
    setHandler: (next) => {
      handler = next;
    },
    asked: ({ url, frameName, features }) => {
      const details = detailsOf(url, frameName, features);
      const response = handler(details);
      if (response.action === 'allow') approved.push({ response, details });
      return response.action === 'allow';
    },
    announced: (opening) => void announcements.push(opening),
    came: async (targetId, sessionId) => {
      const opening = await announcement();
      const early = approved.shift();
      // A link has asked nobody yet.
      const details = early?.details ?? detailsOf(opening?.url ?? '', opening?.windowName ?? '', (opening?.windowFeatures ?? []).join(','));
      const response = early?.response ?? handler(details);
      if (response.action === 'deny') {
        // It shares its opener's process: its requests are held, then it must run, or the close would never go through.
        await send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId);
        quietly(send('Target.closeTarget', { targetId }));
        quietly(send('Runtime.runIfWaitingForDebugger', undefined, sessionId));
        return;
      }
      const window = makeWindow(response.overrideBrowserWindowOptions ?? {}, contents.session, { targetId, sessionId });
      contents.emit('did-create-window', window, { ...details, options: response.overrideBrowserWindowOptions ?? {} });
    },
  };
}

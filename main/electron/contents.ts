import { app, shell, type WebContents, type WebContentsWillFrameNavigateEventParams } from 'electron';
import { createCallRate } from '../../contracts/local-link/call-rate.ts';
import type { Way } from '../ccp/ccp-rules.ts';
import { createTouch } from '../windows/touch.ts';
import type { ContentsRules } from '../windows/window-rules.ts';
import { windowSpec } from '../windows/window-spec.ts';
import type { Windows } from './windows.ts';

type Going = Electron.Event<WebContentsWillFrameNavigateEventParams>;

/** The CCP's own, and what it opens: Connect opens one to sign in. */
const MOST_CCP_WINDOWS = 6;

/** What a page could ask for by the third argument of `window.open`. */
const plain = {
  frame: true,
  opacity: 1,
  transparent: false,
  alwaysOnTop: false,
  skipTaskbar: false,
  closable: true,
  movable: true,
  focusable: true,
  modal: false,
} as const;

/** For everything that ever shows a page, before it shows any. */
export function guardContents(
  { kindOf, adopt, of }: Windows,
  monotonicMs: () => number,
  rules: ContentsRules,
  onRefused: (detail: string) => void,
): void {
  const mayOpenOutside = createCallRate(1, 5, monotonicMs);
  const follow = (way: Way, what: string) => {
    // The only place from which anything is opened outside.
    if (way.to === 'browser' && mayOpenOutside()) void shell.openExternal(way.url).catch(() => onRefused('the browser'));
    if (way.to === 'nowhere') onRefused(what);
    return way.to === 'window';
  };
  const guard = (contents: WebContents, going: Going, byUser: boolean, isRedirect: boolean) => {
    const { url, isMainFrame, initiator } = going;
    const ask = { url, isMainFrame, byMainFrame: initiator?.parent === null, byUser, isRedirect };
    if (!follow(rules.wayOf(kindOf(contents), ask), `navigation of ${kindOf(contents)}`)) going.preventDefault();
  };
  // Otherwise Electron shows whatever host asks the first certificate that this user has. What it calls the URL is `host:port`.
  app.on('select-client-certificate', (event, _contents, server, certificates, choose) => {
    event.preventDefault();
    const [only, ...others] = certificates;
    if (only && others.length === 0 && rules.mayShowCertificate(server)) choose(only);
    else choose();
  });
  app.on('web-contents-created', (_event, contents) => {
    const touch = createTouch(monotonicMs);
    contents.on('input-event', (_event, { type }) => touch.note(type));
    contents.on('will-frame-navigate', (going) => guard(contents, going, touch.wasJustNow(), false));
    contents.on('will-redirect', (going) => guard(contents, going, touch.wasJustNow(), true));
    // A page may ask whether it may really be left; who closes its window, or the app, has decided.
    contents.on('will-prevent-unload', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url, postBody }) => {
      const isAllowed =
        of('ccp').length < MOST_CCP_WINDOWS &&
        follow(
          rules.popupWayOf(kindOf(contents), { url, posts: postBody !== undefined && postBody !== null }),
          `window of ${kindOf(contents)}`,
        );
      return isAllowed
        ? { action: 'allow', overrideBrowserWindowOptions: { ...windowSpec('ccp'), ...plain, show: true } }
        : { action: 'deny' };
    });
    contents.on('did-create-window', (window) => adopt(window, kindOf(contents)));
  });
}

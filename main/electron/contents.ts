import { app, shell, type WebContentsWillFrameNavigateEventParams } from 'electron';
import { createTouch } from '../windows/touch.ts';
import { createWays } from '../windows/ways.ts';
import { type ContentsRules, chooseCertificate } from '../windows/window-rules.ts';
import type { Windows } from './windows.ts';

type Going = Electron.Event<WebContentsWillFrameNavigateEventParams>;

/** For everything that ever shows a page, before it shows any. */
export function guardContents(
  { kindOf, adopt, of, popupOptions }: Windows,
  monotonicMs: () => number,
  rules: ContentsRules,
  onRefused: (detail: string) => void,
): void {
  const { mayGo, mayOpen } = createWays(rules, {
    monotonicMs,
    ccpWindows: () => of('ccp').length,
    // The only place from which anything is opened outside.
    openOutside: (url) => void shell.openExternal(url).catch(() => onRefused('the browser')),
    onRefused,
  });
  // Otherwise Electron shows whatever host asks the first certificate that this user has. What it calls the URL is `host:port`.
  app.on('select-client-certificate', (event, _contents, server, certificates, choose) => {
    event.preventDefault();
    const certificate = chooseCertificate(rules, server, certificates);
    if (certificate) choose(certificate);
    else choose();
  });
  app.on('web-contents-created', (_event, contents) => {
    const touch = createTouch(monotonicMs);
    const guard = (going: Going, isRedirect: boolean) => {
      const { url, isMainFrame, initiator } = going;
      const ask = { url, isMainFrame, byMainFrame: initiator?.parent === null, byUser: touch.wasJustNow(), isRedirect };
      if (!mayGo(kindOf(contents), ask)) going.preventDefault();
    };
    contents.on('input-event', (_event, { type }) => touch.note(type));
    contents.on('will-frame-navigate', (going) => guard(going, false));
    contents.on('will-redirect', (going) => guard(going, true));
    // A page may ask whether it may really be left; who closes its window, or the app, has decided.
    contents.on('will-prevent-unload', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url, postBody }) =>
      mayOpen(kindOf(contents), { url, posts: postBody !== undefined && postBody !== null })
        ? { action: 'allow', overrideBrowserWindowOptions: popupOptions() }
        : { action: 'deny' },
    );
    contents.on('did-create-window', (window) => adopt(window, kindOf(contents)));
  });
}

import { type BrowserWindow, dialog, screen } from 'electron';
import type { Texts } from '../../checks/texts/lookup.ts';
import type { QuitPorts } from '../ask-before-quit.ts';
import type { CcpPorts, CcpWindowHandle } from '../ccp/ccp-ports.ts';
import { crashQuestion, quitQuestion } from '../ccp/questions.ts';
import { bannerHandle, blockedHandle, ccpHandle } from '../ccp/window-handles.ts';
import { pageUrl } from '../ipc/sender-rule.ts';
import type { WindowBounds } from '../settings.ts';
import { bringForward } from '../windows/app-window.ts';
import type { Windows } from './windows.ts';

type WindowPorts = Pick<CcpPorts, 'openCcp' | 'openBlocked' | 'openBanner' | 'offerReload'> & Pick<QuitPorts, 'confirmQuit'>;

/** `lastBounds`: where the window was when the app last ended. */
export function ccpWindowPorts(
  { open }: Windows,
  lastBounds: () => WindowBounds | undefined,
  texts: () => Texts,
  monotonicMs: () => number,
): WindowPorts {
  const shown = new WeakMap<CcpWindowHandle, BrowserWindow>();
  let latest: BrowserWindow | null = null;
  return {
    openCcp(url, at, events) {
      latest = open('ccp', { bounds: at ?? lastBounds() });
      const handle = ccpHandle(latest, url, events, monotonicMs);
      shown.set(handle, latest);
      return handle;
    },
    openBlocked: (at, onGone) => blockedHandle(open('blocked', { bounds: at ?? lastBounds() }), pageUrl('blocked'), onGone),
    openBanner(handle, onGone) {
      const over = shown.get(handle);
      if (!over) throw new Error('a banner over no window');
      const workAreaOf = (bounds: WindowBounds) => screen.getDisplayMatching(bounds).workArea;
      return bannerHandle(open('banner', { parent: over }), pageUrl('banner'), { over, workAreaOf }, onGone);
    },
    async offerReload(signal) {
      const { box, accepts } = crashQuestion(texts());
      const { response } = await dialog.showMessageBox({ ...box, signal });
      return response === accepts;
    },
    async confirmQuit() {
      const { box, accepts } = quitQuestion(texts());
      // Without a window macOS stands still for it, and so would the app.
      const over = latest === null || latest.isDestroyed() ? null : latest;
      if (over) bringForward(over);
      const { response } = await (over ? dialog.showMessageBox(over, box) : dialog.showMessageBox(box));
      return response === accepts;
    },
  };
}

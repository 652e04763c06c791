import { quietly, send } from './chromium/browser.ts';
import { RigContents } from './contents/contents.ts';
import { type WebContents, webContentsOf } from './contents/web-contents.ts';
import { RigView, type View } from './view.ts';
import { contentsSource, type WebPreferences } from './window-options.ts';

export interface WebContentsView extends View {
  readonly webContents: WebContents;
}

class RigWebContentsView extends RigView implements WebContentsView {
  readonly #contents: RigContents;

  constructor(options: { webPreferences?: WebPreferences } = {}) {
    super();
    const owner = { painted: () => {}, targetGone: () => {} };
    this.#contents = new RigContents({ ...contentsSource(options.webPreferences), width: 800, height: 600, owner });
  }

  get webContents(): WebContents {
    return webContentsOf(this.#contents);
  }

  override setBounds(bounds: Electron.Rectangle): void {
    super.setBounds(bounds);
    const { width, height } = bounds;
    const metrics = { width, height, deviceScaleFactor: 0, mobile: false };
    const contents = this.#contents;
    quietly(contents.ready.then(() => send('Emulation.setDeviceMetricsOverride', metrics, contents.sessionId)));
  }
}

export const WebContentsView: new (options?: { webPreferences?: WebPreferences }) => WebContentsView = RigWebContentsView;

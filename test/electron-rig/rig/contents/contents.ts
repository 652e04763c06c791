import { browserStarted, quietly, send } from '../chromium/browser.ts';
import { RigIpcMain, rigIpcMain } from '../ipc-main.ts';
import { LoudEmitter } from '../loud.ts';
import { appHooks, contentsById, contentsByTarget, expectTarget, inLine } from '../registry.ts';
import type { RigSession } from '../session.ts';
import { type RigFrame, rigFrame } from '../web-frame.ts';
import { evaluateAsElectron } from './evaluate.ts';
import { type IpcDelivery, ipcDelivery } from './ipc-delivery.ts';
import { type MediaState, mediaState } from './media-state.ts';
import { type Navigation, navigation } from './navigation.ts';
import { type Popups, popups } from './popups.ts';
import { enableDomains } from './setup.ts';
import { webContentsOf } from './web-contents.ts';

export interface ContentsOwner {
  painted(): void;
  targetGone(): void;
}

export type Disposition = Electron.HandlerDetails['disposition'];

export interface ContentsOptions {
  session: RigSession;
  preload: string | undefined;
  owner: ContentsOwner;
  width: number;
  height: number;
}

/** A page that exists already: a popup, paused before its first script. */
export interface Adopted {
  targetId: string;
  sessionId: string;
}

export interface PageContext {
  id: number;
  sessionId: string;
  frameId: string;
  name: string;
}

const emitted = [
  'did-finish-load',
  'did-fail-load',
  'dom-ready',
  'did-navigate',
  'did-navigate-in-page',
  'did-start-navigation',
  'will-navigate',
  'will-frame-navigate',
  'will-redirect',
  'did-create-window',
  'render-process-gone',
  'destroyed',
  'console-message',
  'page-title-updated',
  'preload-error',
  'did-start-loading',
  'did-stop-loading',
  'certificate-error',
  'media-started-playing',
  'media-paused',
  'audio-state-changed',
  'input-event',
  'will-prevent-unload',
];
/** Known to Electron; what they tell of never happens here. */
const silent = [
  'will-attach-webview',
  'did-attach-webview',
  'unresponsive',
  'responsive',
  'login',
  'select-client-certificate',
  'select-bluetooth-device',
  'before-input-event',
  'context-menu',
  'devtools-opened',
];

let created = 0;

/** The page's side of a webContents: its DevTools session and what is known of it. `web-contents.ts` is what the app sees. */
export class RigContents extends LoudEmitter {
  readonly id: number;
  readonly options: ContentsOptions;
  readonly session: RigSession;
  readonly ipc = new RigIpcMain();
  readonly frames = new Map<string, RigFrame>();
  readonly contexts = new Map<string, PageContext>();
  /** Documents that are being loaded: request id → address. */
  readonly documents = new Map<string, string>();
  readonly ready: Promise<void>;
  readonly navigation: Navigation;
  readonly media: MediaState;
  readonly popups: Popups;
  readonly messages: IpcDelivery;
  sessionId = '';
  targetId = '';
  gone = false;
  crashed = false;
  muted = false;
  #settleReady: () => void = () => {};

  constructor(options: ContentsOptions, adopted?: Adopted) {
    super('webContents', emitted, silent);
    if (!appHooks().isReady()) throw new Error('Cannot create BrowserWindow before app is ready');
    created += 1;
    this.id = created;
    this.options = options;
    this.session = options.session;
    this.navigation = navigation(this);
    this.media = mediaState(this);
    this.popups = popups(this);
    this.messages = ipcDelivery(this, rigIpcMain);
    contentsById.set(this.id, this);
    this.ready = new Promise((resolve) => {
      this.#settleReady = resolve;
    });
    appHooks().emit('web-contents-created', {}, webContentsOf(this));
    quietly(adopted ? this.attach(adopted.targetId, adopted.sessionId) : this.#create());
  }

  #create(): Promise<void> {
    return inLine(async () => {
      await browserStarted;
      expectTarget(this);
      const { width, height } = this.options;
      const browserContextId = await this.session.context();
      await send('Target.createTarget', {
        url: 'about:blank',
        newWindow: true,
        width,
        height,
        ...(browserContextId && { browserContextId }),
      });
      await this.ready;
    });
  }

  async attach(targetId: string, sessionId: string): Promise<void> {
    this.targetId = targetId;
    this.sessionId = sessionId;
    contentsByTarget.set(targetId, this);
    await enableDomains(this, sessionId, 'page');
    this.#settleReady();
  }

  frameOf(id: string): RigFrame | null {
    return this.frames.get(id) ?? null;
  }

  /** The frame, made known if it was not. */
  knowFrame(id: string, parentId: string | null, sessionId: string): RigFrame {
    const known = this.frames.get(id);
    if (known) {
      known.sessionId = sessionId;
      return known;
    }
    const frame = rigFrame(id, parentId, sessionId, (other) => this.frameOf(other));
    this.frames.set(id, frame);
    return frame;
  }

  get mainFrame(): RigFrame {
    return this.frames.get(this.targetId) ?? rigFrame(this.targetId, null, this.sessionId, () => null);
  }

  frameOfContext(sessionId: string, contextId: number): RigFrame | null {
    const context = this.contexts.get(`${sessionId}:${contextId}`);
    return context ? this.frameOf(context.frameId) : null;
  }

  async evaluate(code: string, userGesture: boolean): Promise<unknown> {
    await this.ready;
    return evaluateAsElectron(this.sessionId, code, userGesture);
  }

  /** As the button of its window does: `beforeunload` is heard even of a page that nobody touched yet, and may hold the page. */
  async askToClose(): Promise<void> {
    await this.ready;
    if (this.crashed) return this.closeTarget();
    await send('Runtime.evaluate', { expression: '0', userGesture: true }, this.sessionId);
    await this.closeByPage();
  }

  /** As `window.close()` of its own script. */
  async closeByPage(): Promise<void> {
    await send('Page.close', undefined, this.sessionId);
  }

  closeTarget(): void {
    if (!this.gone) quietly(this.ready.then(() => send('Target.closeTarget', { targetId: this.targetId })));
  }

  rendererGone(): void {
    this.crashed = true;
    this.media.reset();
    const details = { reason: 'crashed', exitCode: 133 };
    this.emit('render-process-gone', {}, details);
    appHooks().emit('render-process-gone', {}, webContentsOf(this), details);
  }

  destroyed(): void {
    if (this.gone) return;
    this.media.reset();
    this.gone = true;
    contentsById.delete(this.id);
    contentsByTarget.delete(this.targetId);
    this.navigation.abandon();
    this.emit('destroyed');
    this.options.owner.targetGone();
  }
}

import type { BrowserWindow as Face } from './browser-window-type.ts';
import { quietly, send } from './chromium/browser.ts';
import { type Adopted, RigContents } from './contents/contents.ts';
import { type WebContents, webContentsOf } from './contents/web-contents.ts';
import { cancelable, LoudEmitter, loud } from './loud.ts';
import { screen } from './model/desktop.ts';
import { rigOptions } from './options.ts';
import { appHooks, setWindowMaker, windows } from './registry.ts';
import { RigView } from './view.ts';
import { contentsSource, type WindowOptions } from './window-options.ts';

const emitted = [
  'close',
  'closed',
  'ready-to-show',
  'show',
  'hide',
  'focus',
  'blur',
  'minimize',
  'restore',
  'resize',
  'resized',
  'move',
  'moved',
  'always-on-top-changed',
  'page-title-updated',
  'maximize',
  'unmaximize',
];
const silent = ['unresponsive', 'responsive', 'session-end', 'query-session-end', 'enter-full-screen', 'leave-full-screen'];

/** The last one that was shown or focused. */
let focused: RigBrowserWindow | null = null;

/** A page, and a model of the window around it: nothing is drawn but the page itself. */
export class RigBrowserWindow extends LoudEmitter {
  readonly id: number;
  readonly contents: RigContents;
  readonly contentView = new RigView();
  readonly face: Face;
  gone = false;
  #bounds: Electron.Rectangle;
  /** While it is maximized: as it was before. */
  #normal: Electron.Rectangle | null = null;
  #visible: boolean;
  #minimized = false;
  #painted = false;
  #title: string;
  #onTop: boolean;
  #closable: boolean;
  readonly #parent: RigBrowserWindow | null;

  constructor(options: WindowOptions = {}, adopted?: Adopted) {
    super('BrowserWindow', emitted, silent);
    const { x = 0, y = 0, width = 800, height = 600 } = options;
    this.#bounds = { x, y, width, height };
    this.#visible = options.show !== false;
    this.#title = options.title ?? rigOptions().name;
    this.#onTop = options.alwaysOnTop === true;
    this.#closable = options.closable !== false;
    this.#parent = [...windows].find((one) => one.face === options.parent) ?? null;
    const owner = { painted: () => this.#firstPaint(), targetGone: () => this.#targetGone() };
    this.contents = new RigContents({ ...contentsSource(options.webPreferences), width, height, owner }, adopted);
    this.id = this.contents.id;
    this.face = loud('BrowserWindow', this) as unknown as Face;
    windows.add(this);
    if (this.#visible) focused = this;
    this.contents.on('page-title-updated', (_event: unknown, title: string) => {
      const event = cancelable({});
      this.emit('page-title-updated', event, title, true);
      if (!event.defaultPrevented) this.#title = title;
    });
    appHooks().emit('browser-window-created', {}, this.face);
  }

  static getAllWindows(): Face[] {
    return [...windows].map(({ face }) => face);
  }

  static fromWebContents(contents: { id: number }): Face | null {
    return RigBrowserWindow.fromId(contents.id);
  }

  static fromId(id: number): Face | null {
    return [...windows].find((one) => one.id === id)?.face ?? null;
  }

  static getFocusedWindow(): Face | null {
    return focused?.isVisible() ? focused.face : null;
  }

  get webContents(): WebContents {
    return webContentsOf(this.contents);
  }

  #firstPaint(): void {
    if (this.#painted) return;
    this.#painted = true;
    this.emit('ready-to-show');
  }

  #targetGone(): void {
    if (this.gone) return;
    this.gone = true;
    windows.delete(this);
    if (focused === this) focused = null;
    for (const child of this.#children()) child.destroy();
    this.emit('closed');
    appHooks().windowGone();
  }

  #children(): RigBrowserWindow[] {
    return [...windows].filter((one) => one.#parent === this);
  }

  getParentWindow = (): Face | null => this.#parent?.face ?? null;
  getChildWindows = (): Face[] => this.#children().map(({ face }) => face);
  loadURL = (url: string) => this.contents.navigation.load(url);
  loadFile = (file: string, options?: Electron.LoadFileOptions) => this.webContents.loadFile(file, options);
  reload = () => this.contents.navigation.reload();

  show(): void {
    this.showInactive();
    this.focus();
  }

  showInactive(): void {
    this.#minimized = false;
    if (this.#visible) return;
    this.#visible = true;
    this.emit('show');
  }

  hide(): void {
    if (!this.#visible) return;
    this.#visible = false;
    this.blur();
    this.emit('hide');
  }

  focus(): void {
    if (!this.#visible || focused === this) return;
    focused?.blur();
    focused = this;
    this.emit('focus');
  }

  blur(): void {
    if (focused !== this) return;
    focused = null;
    this.emit('blur');
  }

  moveTop = () => {};
  isFocused = () => focused === this;
  isVisible = () => this.#visible && !this.gone;
  isDestroyed = () => this.gone;

  minimize(): void {
    this.#minimized = true;
    this.emit('minimize');
  }

  restore(): void {
    this.#minimized = false;
    this.emit('restore');
  }

  isMinimized = () => this.#minimized;

  maximize(): void {
    if (this.#normal) return;
    this.#normal = this.#bounds;
    this.setBounds(screen.getPrimaryDisplay().workArea);
    this.emit('maximize');
  }

  unmaximize(): void {
    if (!this.#normal) return;
    const bounds = this.#normal;
    this.#normal = null;
    this.setBounds(bounds);
    this.emit('unmaximize');
  }

  isMaximized = () => this.#normal !== null;
  getBounds = () => ({ ...this.#bounds });
  getNormalBounds = () => ({ ...(this.#normal ?? this.#bounds) });
  getContentBounds = () => ({ ...this.#bounds });
  getSize = () => [this.#bounds.width, this.#bounds.height];
  getPosition = () => [this.#bounds.x, this.#bounds.y];
  setSize = (width: number, height: number) => this.setBounds({ width, height });
  setContentSize = (width: number, height: number) => this.setBounds({ width, height });
  setPosition = (x: number, y: number) => this.setBounds({ x, y });

  setBounds(bounds: Partial<Electron.Rectangle>): void {
    const before = this.#bounds;
    this.#bounds = { ...before, ...bounds };
    const { x, y, width, height } = this.#bounds;
    if (x !== before.x || y !== before.y) this.#tell('move', 'moved');
    if (width === before.width && height === before.height) return;
    const { contents } = this;
    const metrics = { width, height, deviceScaleFactor: 0, mobile: false };
    quietly(contents.ready.then(() => send('Emulation.setDeviceMetricsOverride', metrics, contents.sessionId)));
    this.#tell('resize', 'resized');
  }

  #tell(...events: string[]): void {
    for (const event of events) this.emit(event);
  }

  setTitle(title: string): void {
    this.#title = title;
  }

  getTitle = () => this.#title;
  removeMenu = () => {};
  setMenuBarVisibility = (_visible: boolean) => {};
  setSkipTaskbar = (_skip: boolean) => {};
  setVisibleOnAllWorkspaces = (_visible: boolean) => {};
  setContentProtection = (_enable: boolean) => {};
  flashFrame = (_flag: boolean) => {};

  setAlwaysOnTop(flag: boolean): void {
    if (flag === this.#onTop) return;
    this.#onTop = flag;
    this.emit('always-on-top-changed', {}, flag);
  }

  isAlwaysOnTop = () => this.#onTop;

  setClosable(closable: boolean): void {
    this.#closable = closable;
  }

  isClosable = () => this.#closable;

  close(): void {
    if (this.gone) return;
    const event = cancelable({});
    this.emit('close', event);
    if (event.defaultPrevented) appHooks().closeCancelled();
    else quietly(this.contents.askToClose());
  }

  destroy(): void {
    if (this.gone) return;
    this.contents.closeTarget();
    this.contents.destroyed();
  }
}

setWindowMaker((options, existing) => {
  if (!existing) return new RigBrowserWindow(options).face;
  // The page's own session, whatever the options say: a popup shares it with its opener.
  const { session: _session, partition: _partition, ...webPreferences } = options.webPreferences ?? {};
  const { session: behind, adopted } = existing;
  return new RigBrowserWindow({ ...options, webPreferences: { ...webPreferences, behind } }, adopted).face;
});

export type BrowserWindow = Face;
export const BrowserWindow = new Proxy(RigBrowserWindow, {
  construct: (target, [options]: [WindowOptions | undefined]) => new target(options).face,
}) as unknown as {
  new (options?: WindowOptions): Face;
  getAllWindows(): Face[];
  fromWebContents(contents: { id: number }): Face | null;
  fromId(id: number): Face | null;
  getFocusedWindow(): Face | null;
};

import { EventEmitter } from 'node:events';
import type { WindowBounds } from '../../../../main/settings.ts';
import type { AppWindow } from '../../../../main/windows/app-window.ts';

/** As Electron's BrowserWindow, which only remembers what is done with it. */
export class FakeWindow extends EventEmitter implements AppWindow {
  readonly webContents = new EventEmitter();
  readonly did: string[] = [];
  normal: WindowBounds = { x: 10, y: 20, width: 420, height: 680 };
  /** What it takes of the screen now. */
  bounds: WindowBounds | null = null;
  isSmall = false;
  #isGone = false;

  loadURL = async (url: string) => {
    this.did.push(`load ${url}`);
    throw new Error('ERR_FAILED');
  };
  getBounds = () => this.bounds ?? this.normal;
  getNormalBounds = () => {
    if (this.#isGone) throw new TypeError('Object has been destroyed');
    return this.normal;
  };
  setBounds = (bounds: WindowBounds) => {
    this.normal = bounds;
  };
  show = () => void this.did.push('show');
  showInactive = () => void this.did.push('showInactive');
  hide = () => void this.did.push('hide');
  minimize = () => void this.did.push('minimize');
  isMinimized = () => this.isSmall;
  restore = () => void this.did.push('restore');
  focus = () => void this.did.push('focus');
  isDestroyed = () => this.#isGone;
  destroy = () => {
    if (this.#isGone) return;
    this.#isGone = true;
    this.did.push('destroy');
    this.webContents.emit('destroyed');
    this.emit('closed');
  };

  /** What its page opens. */
  opens(): FakeWindow {
    const popup = new FakeWindow();
    this.webContents.emit('did-create-window', popup);
    return popup;
  }
}

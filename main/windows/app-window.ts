import type { WindowBounds } from '../settings.ts';

interface Going {
  url: string;
  isMainFrame: boolean;
  defaultPrevented: boolean;
}

/** Of Electron's webContents, what tells how its page fares. */
export interface AppContents {
  on(event: 'did-create-window', listener: (popup: PopUp) => void): unknown;
  on(event: 'render-process-gone', listener: () => void): unknown;
  on(event: 'did-navigate', listener: () => void): unknown;
  on(event: 'did-fail-load', listener: (event: object, code: number, error: string, url: string, isMainFrame: boolean) => void): unknown;
  on(event: 'will-frame-navigate', listener: (going: Going) => void): unknown;
  on(event: 'will-redirect', listener: (going: Going) => void): unknown;
  on(event: 'media-started-playing', listener: () => void): unknown;
  on(event: 'media-paused', listener: () => void): unknown;
  on(event: 'audio-state-changed', listener: (state: { audible: boolean }) => void): unknown;
  once(event: 'destroyed', listener: () => void): unknown;
}

/** A window that a page opened. */
export interface PopUp {
  readonly webContents: AppContents;
  once(event: 'closed', listener: () => void): unknown;
  isDestroyed(): boolean;
  destroy(): void;
}

/** Of Electron's BrowserWindow, what the app does with one: what follows from it is tried without Electron. */
export interface AppWindow extends PopUp {
  on(event: 'close', listener: (event: { preventDefault(): void }) => void): unknown;
  on(event: 'move', listener: () => void): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'move', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
  once(event: 'closed', listener: () => void): unknown;
  once(event: 'ready-to-show', listener: () => void): unknown;
  loadURL(url: string): Promise<void>;
  getBounds(): WindowBounds;
  /** As it would be were it neither maximized nor minimized. */
  getNormalBounds(): WindowBounds;
  setBounds(bounds: WindowBounds): void;
  show(): void;
  showInactive(): void;
  hide(): void;
  minimize(): void;
  isMinimized(): boolean;
  restore(): void;
  focus(): void;
}

/** An address that cannot be loaded shows an error in its place, and tells of it by an event. */
export function loadInto(window: Pick<AppWindow, 'loadURL'>): (url: string) => void {
  return (url) => void window.loadURL(url).catch(() => {});
}

/** Also from the task bar, and as large as it was: restored, one that is not minimized would be no longer maximized. */
export function bringForward(window: Pick<AppWindow, 'isDestroyed' | 'isMinimized' | 'restore' | 'show' | 'focus'>): void {
  if (window.isDestroyed()) return;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

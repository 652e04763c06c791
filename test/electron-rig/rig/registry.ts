import type { RigBrowserWindow } from './browser-window.ts';
import type { BrowserWindow } from './browser-window-type.ts';
import type { Adopted, RigContents } from './contents/contents.ts';
import type { RigSession } from './session.ts';
import type { WindowOptions } from './window-options.ts';

/** What lives, and what its makers must tell the app, which imports them. */
export const contentsById = new Map<number, RigContents>();
export const contentsByTarget = new Map<string, RigContents>();
/** DevTools sessions: of the page itself, of frames in processes of their own, of its workers. */
export const contentsBySession = new Map<string, { contents: RigContents; kind: 'page' | 'frame' | 'worker' }>();
export const windows = new Set<RigBrowserWindow>();

export interface AppHooks {
  isReady(): boolean;
  emit(event: string, ...args: unknown[]): void;
  windowGone(): void;
  /** A window that was to close stays. */
  closeCancelled(): void;
}

let hooks: AppHooks | null = null;

export function setAppHooks(appHooks: AppHooks): void {
  hooks = appHooks;
}

export function appHooks(): AppHooks {
  if (!hooks) throw new Error('electron rig: there is no app yet');
  return hooks;
}

/** Page contents wait in line to be made, so that the browser's next new page is known to be theirs. */
let line: Promise<unknown> = Promise.resolve();
let expected: RigContents | null = null;

export function inLine(work: () => Promise<void>): Promise<void> {
  const turn = line.then(work);
  line = turn.catch(() => {});
  return turn;
}

export function expectTarget(contents: RigContents): void {
  expected = contents;
}

export function takeExpected(): RigContents | null {
  const contents = expected;
  expected = null;
  return contents;
}

/** Without a page that exists already, the options say which session it is. */
type WindowMaker = (options: WindowOptions, existing?: { session: RigSession; adopted: Adopted }) => BrowserWindow;

let windowMaker: WindowMaker | null = null;

export function setWindowMaker(maker: WindowMaker): void {
  windowMaker = maker;
}

/** A window that a page opens. */
export function makeWindow(...given: Parameters<WindowMaker>): BrowserWindow {
  if (!windowMaker) throw new Error('electron rig: there are no windows yet');
  return windowMaker(...given);
}

import type { RigBrowserWindow } from './browser-window.ts';
import type { Adopted, RigContents } from './contents/contents.ts';
import type { RigSession } from './session.ts';

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

type WindowMaker = (options: Electron.BrowserWindowConstructorOptions, session: RigSession, adopted: Adopted) => object;

let windowMaker: WindowMaker | null = null;

export function setWindowMaker(maker: WindowMaker): void {
  windowMaker = maker;
}

/** A window around a page that exists already. */
export function makeWindow(...given: Parameters<WindowMaker>): object {
  if (!windowMaker) throw new Error('electron rig: there are no windows yet');
  return windowMaker(...given);
}

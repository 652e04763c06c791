import type { BrowserWindow } from './browser-window-type.ts';
import type { NativeImage } from './model/native-image.ts';
import { behindFace, type RigSession, rigSession, type Session } from './session.ts';

export type WebPreferences = Pick<
  Electron.WebPreferences,
  | 'preload'
  | 'sandbox'
  | 'contextIsolation'
  | 'nodeIntegration'
  | 'partition'
  | 'webSecurity'
  | 'nodeIntegrationInSubFrames'
  | 'nodeIntegrationInWorker'
  | 'webviewTag'
  | 'devTools'
  | 'spellcheck'
  | 'backgroundThrottling'
  | 'allowRunningInsecureContent'
  | 'experimentalFeatures'
  | 'enableWebSQL'
  | 'plugins'
  | 'navigateOnDragDrop'
  | 'safeDialogs'
  | 'disableDialogs'
  | 'disableHtmlFullscreenWindowResize'
  | 'enablePreferredSizeMode'
  | 'autoplayPolicy'
> & {
  session?: Session;
  /** Of a popup: its opener's session. */
  behind?: RigSession;
};

export type WindowOptions = Pick<
  Electron.BrowserWindowConstructorOptions,
  | 'width'
  | 'height'
  | 'x'
  | 'y'
  | 'minWidth'
  | 'minHeight'
  | 'maxWidth'
  | 'maxHeight'
  | 'show'
  | 'title'
  | 'autoHideMenuBar'
  | 'resizable'
  | 'movable'
  | 'maximizable'
  | 'minimizable'
  | 'closable'
  | 'focusable'
  | 'fullscreen'
  | 'fullscreenable'
  | 'frame'
  | 'backgroundColor'
  | 'skipTaskbar'
  | 'alwaysOnTop'
  | 'center'
  | 'modal'
  | 'paintWhenInitiallyHidden'
  | 'useContentSize'
> & { parent?: BrowserWindow; icon?: NativeImage | string; webPreferences?: WebPreferences };

export type WindowOpenResponse =
  | { action: 'deny' }
  | { action: 'allow'; outlivesOpener?: boolean; overrideBrowserWindowOptions?: WindowOptions | Electron.BrowserWindowConstructorOptions };
export type WindowOpenHandler = (details: Electron.HandlerDetails) => WindowOpenResponse;

/** The switches that must stay as Electron has them by default: the rig runs nothing weaker. */
const weaker: Partial<Record<keyof WebPreferences, boolean>> = {
  nodeIntegration: true,
  nodeIntegrationInSubFrames: true,
  nodeIntegrationInWorker: true,
  contextIsolation: false,
  sandbox: false,
  webSecurity: false,
  webviewTag: true,
  allowRunningInsecureContent: true,
  experimentalFeatures: true,
};

export function contentsSource(preferences: WebPreferences = {}): { session: RigSession; preload: string | undefined } {
  for (const [name, value] of Object.entries(preferences)) {
    if (weaker[name as keyof WebPreferences] === value && value !== undefined) {
      throw new Error(`electron rig: webPreferences.${name} ${value}: only sandboxed, isolated pages are covered`);
    }
  }
  const session = preferences.behind ?? behindFace(preferences.session) ?? rigSession(preferences.partition ?? '');
  return { session, preload: preferences.preload };
}

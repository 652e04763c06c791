import type { BrowserWindow } from './browser-window-type.ts';
import type { WebContents } from './contents/web-contents.ts';
import type { Session } from './session.ts';

/** What the app gets of `app`; its events are typed by hand, since they hand over the rig's own objects. */
export type AppMethods = Pick<
  Electron.App,
  | 'whenReady'
  | 'isReady'
  | 'requestSingleInstanceLock'
  | 'releaseSingleInstanceLock'
  | 'hasSingleInstanceLock'
  | 'quit'
  | 'exit'
  | 'focus'
  | 'getPath'
  | 'setPath'
  | 'getAppPath'
  | 'getName'
  | 'setName'
  | 'getVersion'
  | 'getLocale'
  | 'getSystemLocale'
  | 'getPreferredSystemLanguages'
  | 'setLoginItemSettings'
  | 'getLoginItemSettings'
  | 'setAppUserModelId'
  | 'enableSandbox'
  | 'disableHardwareAcceleration'
  | 'setAsDefaultProtocolClient'
  | 'removeAsDefaultProtocolClient'
  | 'isDefaultProtocolClient'
  | 'setBadgeCount'
  | 'getBadgeCount'
  | 'isPackaged'
  | 'name'
>;
interface Events<Self> {
  (event: 'web-contents-created', listener: (event: Electron.Event, contents: WebContents) => void): Self;
  (event: 'browser-window-created', listener: (event: Electron.Event, window: BrowserWindow) => void): Self;
  (event: 'session-created', listener: (session: Session) => void): Self;
  (event: 'second-instance', listener: (event: Electron.Event, argv: string[], cwd: string, data: unknown) => void): Self;
  (event: 'open-url', listener: (event: Electron.Event, url: string) => void): Self;
  (event: 'before-quit' | 'will-quit', listener: (event: Electron.Event) => void): Self;
  (event: 'ready' | 'window-all-closed' | 'activate' | 'quit' | 'will-finish-launching', listener: () => void): Self;
  (event: 'certificate-error', listener: CertificateListener): Self;
  (event: 'login', listener: (event: Electron.Event) => void): Self;
  (event: 'select-client-certificate', listener: ClientCertificateListener): Self;
  (
    event: 'render-process-gone',
    listener: (event: Electron.Event, contents: WebContents, details: Electron.RenderProcessGoneDetails) => void,
  ): Self;
  (event: 'child-process-gone', listener: (event: Electron.Event, details: Electron.Details) => void): Self;
}
type CertificateListener = (
  event: Electron.Event,
  contents: WebContents,
  url: string,
  error: string,
  certificate: Electron.Certificate,
  callback: (isTrusted: boolean) => void,
  isMainFrame: boolean,
) => void;
type ClientCertificateListener = (
  event: Electron.Event,
  contents: WebContents,
  url: string,
  certificates: Electron.Certificate[],
  callback: (certificate?: Electron.Certificate) => void,
) => void;
export interface App extends AppMethods {
  on: Events<App>;
  once: Events<App>;
  off(event: string, listener: (...args: never[]) => void): App;
  removeListener(event: string, listener: (...args: never[]) => void): App;
  removeAllListeners(event?: string): App;
  emit(event: string, ...args: unknown[]): boolean;
  readonly commandLine: Pick<Electron.CommandLine, 'appendSwitch' | 'hasSwitch' | 'getSwitchValue'>;
  readonly dock: undefined;
}

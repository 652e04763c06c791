import { app, Menu, type MenuItemConstructorOptions, powerMonitor } from 'electron';
import { DEEP_LINK_SCHEME } from '../deep-link.ts';
import { START_HIDDEN, type StartRules } from '../start-rules.ts';

export interface AppEvents {
  onArguments(argv: readonly string[]): void;
  onLink(url: string): void;
  /** False where it has to stay for now. */
  onQuit(): boolean;
}

/** What the operating system may ask for, from the first moment on. */
export function attachApp({ onArguments, onLink, onQuit }: AppEvents): void {
  // In the tray it goes on without a window.
  app.on('window-all-closed', () => {});
  app.on('second-instance', (_event, argv) => onArguments(argv));
  app.on('activate', () => onArguments([]));
  app.on('open-url', (event, url) => {
    event.preventDefault();
    onLink(url);
  });
  app.on('before-quit', (event) => {
    if (!onQuit()) event.preventDefault();
  });
}

/** What the app is to the operating system; once it is ready. */
export function settleApp({ userModelId, setsLoginItem, setsLinkHandler, menu }: StartRules, onWake: () => void): void {
  powerMonitor.on('resume', onWake);
  powerMonitor.on('unlock-screen', onWake);
  Menu.setApplicationMenu(menu === null ? null : Menu.buildFromTemplate(menu as MenuItemConstructorOptions[]));
  if (userModelId !== null) app.setAppUserModelId(userModelId);
  if (setsLoginItem) app.setLoginItemSettings({ openAtLogin: true, args: [START_HIDDEN] });
  if (setsLinkHandler) app.setAsDefaultProtocolClient(DEEP_LINK_SCHEME);
}

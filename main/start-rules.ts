import { deepLinkOf } from './deep-link.ts';

/** Given by what starts the app at login, so that nobody finds a window he did not ask for. */
export const START_HIDDEN = '--hidden';

/** As electron-builder's `appId`: the installer gives it to the shortcut. */
export const APP_ID = 'com.example.deskwarden';

export interface StartRules {
  /** By which Windows knows whose notifications they are, and groups windows; null where there is no such thing. */
  userModelId: string | null;
  setsLoginItem: boolean;
  setsLinkHandler: boolean;
  /** Roles of Electron's own items; null for none. Never one that shows developer tools. */
  menu: readonly { role: 'appMenu' | 'editMenu' | 'windowMenu' }[] | null;
  showsWindow: boolean;
}

export interface StartFacts {
  platform: 'win32' | 'darwin' | 'linux';
  isPackaged: boolean;
  /** An earlier start has seen to it that the app starts at login. */
  startsAtLogin: boolean;
  argv: readonly string[];
  wasOpenedAtLogin: boolean;
}

/**
 * On Linux the package brings the autostart file and the link's handler. Elsewhere the app asks for its start at login once:
 * afterwards the operating system's list holds what the user wants.
 */
export function startRules({ platform, isPackaged, startsAtLogin, argv, wasOpenedAtLogin }: StartFacts): StartRules {
  return {
    userModelId: platform === 'win32' ? APP_ID : null,
    setsLoginItem: isPackaged && platform !== 'linux' && !startsAtLogin,
    setsLinkHandler: isPackaged && platform === 'win32',
    // On macOS copying and pasting are items of the menu.
    menu: platform === 'darwin' ? [{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }] : null,
    showsWindow: deepLinkOf(argv) === null && !argv.includes(START_HIDDEN) && !wasOpenedAtLogin,
  };
}

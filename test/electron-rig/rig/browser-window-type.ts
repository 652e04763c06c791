import type { WebContents } from './contents/web-contents.ts';
import type { View } from './view.ts';

type Methods = Pick<
  Electron.BrowserWindow,
  | 'id'
  | 'loadURL'
  | 'loadFile'
  | 'reload'
  | 'show'
  | 'showInactive'
  | 'hide'
  | 'focus'
  | 'blur'
  | 'moveTop'
  | 'isFocused'
  | 'isVisible'
  | 'isDestroyed'
  | 'minimize'
  | 'restore'
  | 'isMinimized'
  | 'maximize'
  | 'unmaximize'
  | 'isMaximized'
  | 'getBounds'
  | 'setBounds'
  | 'getNormalBounds'
  | 'getContentBounds'
  | 'getSize'
  | 'setSize'
  | 'setContentSize'
  | 'getPosition'
  | 'setPosition'
  | 'setTitle'
  | 'getTitle'
  | 'removeMenu'
  | 'setMenuBarVisibility'
  | 'setSkipTaskbar'
  | 'setAlwaysOnTop'
  | 'isAlwaysOnTop'
  | 'setVisibleOnAllWorkspaces'
  | 'setContentProtection'
  | 'setClosable'
  | 'isClosable'
  | 'flashFrame'
  | 'close'
  | 'destroy'
>;
export type BrowserWindow = Methods &
  Pick<Electron.BrowserWindow, 'on' | 'once' | 'off' | 'removeListener' | 'removeAllListeners'> & {
    readonly webContents: WebContents;
    readonly contentView: View;
    getParentWindow(): BrowserWindow | null;
    getChildWindows(): BrowserWindow[];
  };

/** What `electron` means to an app on the rig. A member that is missing here fails to compile, and throws where it is used. */
export { app } from './app.ts';
export type { App } from './app-type.ts';
export { BrowserWindow } from './browser-window.ts';
export { type WebContents, webContents } from './contents/web-contents.ts';
export { type IpcMain, type IpcMainEvent, type IpcMainInvokeEvent, ipcMain } from './ipc-main.ts';
export { clipboard, dialog, screen, shell } from './model/desktop.ts';
export { Menu, type MenuItem } from './model/menu.ts';
export { type NativeImage, nativeImage } from './model/native-image.ts';
export { type NativeTheme, nativeTheme } from './model/native-theme.ts';
export { Notification } from './model/notification.ts';
export { type PowerMonitor, powerMonitor } from './model/power-monitor.ts';
export { safeStorage } from './model/safe-storage.ts';
export { Tray } from './model/tray.ts';
export { net } from './net.ts';
export type {
  BrowserWindowConstructorOptions,
  MenuItemConstructorOptions,
  MessageBoxOptions,
  NotificationConstructorOptions,
  Rectangle,
  RenderProcessGoneDetails,
  WebContentsWillFrameNavigateEventParams,
} from './option-types.ts';
export { contextBridge, type IpcRendererEvent, ipcRenderer } from './preload-types.ts';
export { protocol, type Session, session } from './session.ts';
export { utilityProcess } from './utility-process.ts';
export { RigView as View } from './view.ts';
export { WebContentsView } from './web-contents-view.ts';
export type HIDDevice = Electron.HIDDevice;

import type { WindowOptions } from './window-options.ts';

/** Names that an app imports as types only. */
export type BrowserWindowConstructorOptions = WindowOptions;
export type MenuItemConstructorOptions = Electron.MenuItemConstructorOptions;
export type NotificationConstructorOptions = Electron.NotificationConstructorOptions;
export type MessageBoxOptions = Electron.MessageBoxOptions;
export type Rectangle = Electron.Rectangle;
export type WebContentsWillFrameNavigateEventParams = Electron.WebContentsWillFrameNavigateEventParams;
export type RenderProcessGoneDetails = Electron.RenderProcessGoneDetails;

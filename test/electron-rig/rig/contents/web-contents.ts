import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { quietly, send } from '../chromium/browser.ts';
import type { IpcMain } from '../ipc-main.ts';
import { loud } from '../loud.ts';
import { imageOf, type NativeImage } from '../model/native-image.ts';
import { rigOptions } from '../options.ts';
import { contentsById, contentsByTarget } from '../registry.ts';
import { faceOf, type Session } from '../session.ts';
import type { WebFrameMain } from '../web-frame.ts';
import type { WindowOpenHandler } from '../window-options.ts';
import type { RigContents } from './contents.ts';

type Methods = Pick<
  Electron.WebContents,
  | 'id'
  | 'loadURL'
  | 'loadFile'
  | 'getURL'
  | 'getTitle'
  | 'send'
  | 'executeJavaScript'
  | 'isDestroyed'
  | 'close'
  | 'reload'
  | 'isLoading'
  | 'openDevTools'
  | 'closeDevTools'
  | 'isDevToolsOpened'
  | 'setAudioMuted'
  | 'isAudioMuted'
  | 'isCurrentlyAudible'
  | 'isCrashed'
  | 'isFocused'
  | 'focus'
  | 'setZoomFactor'
  | 'getOSProcessId'
  | 'forcefullyCrashRenderer'
  | 'userAgent'
  | 'getType'
> & { setWindowOpenHandler(handler: WindowOpenHandler): void };

export type WebContents = Methods &
  Pick<Electron.WebContents, 'on' | 'once' | 'off' | 'removeListener' | 'removeAllListeners' | 'hostWebContents'> & {
    readonly session: Session;
    readonly ipc: IpcMain;
    readonly mainFrame: WebFrameMain;
    capturePage(): Promise<NativeImage>;
  };

const faces = new WeakMap<RigContents, WebContents>();

/** What the app gets: always the same object for the same contents. */
export function webContentsOf(contents: RigContents): WebContents {
  const known = faces.get(contents);
  if (known) return known;
  const made = loud('webContents', face(contents)) as unknown as WebContents;
  faces.set(contents, made);
  return made;
}

/** For callbacks that electron.d.ts types with the whole of WebContents. */
export function electronOf(contents: RigContents): Electron.WebContents {
  return webContentsOf(contents) as unknown as Electron.WebContents;
}

function face(contents: RigContents): Methods & { gone: boolean } {
  const events = Object.fromEntries(
    (['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners', 'emit', 'listenerCount'] as const).map((name) => [
      name,
      (...args: unknown[]) => {
        const result: unknown = Reflect.apply(contents[name], contents, args);
        return result === contents ? webContentsOf(contents) : result;
      },
    ]),
  );
  const loadURL = (url: string) => contents.navigation.load(url);
  const methods: Methods & { gone: boolean } = {
    id: contents.id,
    get gone() {
      return contents.gone;
    },
    get userAgent() {
      return contents.session.getUserAgent();
    },
    loadURL,
    loadFile: (file, options) => {
      const url = pathToFileURL(path.resolve(rigOptions().appPath, file));
      if (options?.query) url.search = new URLSearchParams(options.query).toString();
      if (options?.hash) url.hash = options.hash;
      return loadURL(url.href);
    },
    getURL: () => contents.mainFrame.url,
    getTitle: () => contents.navigation.title(),
    getType: () => 'window',
    send: (channel, ...args) => contents.messages.send(channel, args),
    executeJavaScript: (code, userGesture = false) => contents.evaluate(code, userGesture),
    setWindowOpenHandler: (handler) => contents.popups.setHandler(handler),
    isDestroyed: () => contents.gone,
    close: () => contents.closeTarget(),
    reload: () => contents.navigation.reload(),
    isLoading: () => contents.navigation.isLoading(),
    openDevTools: () => {},
    closeDevTools: () => {},
    isDevToolsOpened: () => false,
    setAudioMuted: (muted) => {
      contents.muted = muted;
    },
    isAudioMuted: () => contents.muted,
    isCurrentlyAudible: () => contents.media.isAudible(),
    isCrashed: () => contents.crashed,
    isFocused: () => false,
    focus: () => quietly(contents.ready.then(() => send('Page.bringToFront', undefined, contents.sessionId))),
    setZoomFactor: (pageScaleFactor) =>
      quietly(contents.ready.then(() => send('Emulation.setPageScaleFactor', { pageScaleFactor }, contents.sessionId))),
    getOSProcessId: () => 0,
    forcefullyCrashRenderer: () => quietly(send('Page.crash', undefined, contents.sessionId)),
  };
  const objects = {
    get session() {
      return faceOf(contents.session);
    },
    get mainFrame() {
      return contents.mainFrame;
    },
    ipc: contents.ipc,
    hostWebContents: null,
    capturePage: async () => {
      await contents.ready;
      const { data } = await send('Page.captureScreenshot', { format: 'png' }, contents.sessionId);
      return imageOf(Buffer.from(data, 'base64'));
    },
  };
  return Object.defineProperties(methods, { ...Object.getOwnPropertyDescriptors(objects), ...Object.getOwnPropertyDescriptors(events) });
}

export const webContents = loud('webContents (module)', {
  fromId: (id: number): WebContents | undefined => {
    const contents = contentsById.get(id);
    return contents && webContentsOf(contents);
  },
  getAllWebContents: (): WebContents[] => [...contentsById.values()].map(webContentsOf),
  fromDevToolsTargetId: (targetId: string): WebContents | undefined => {
    const contents = contentsByTarget.get(targetId);
    return contents && webContentsOf(contents);
  },
});

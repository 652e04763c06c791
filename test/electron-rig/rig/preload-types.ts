/** The preload script's half is page/electron-in-preload.ts: the main process has none of it, as in Electron. */
export interface IpcRendererEvent {
  readonly ports: readonly unknown[];
}

export type ContextBridge = Pick<Electron.ContextBridge, 'exposeInMainWorld'>;
export interface IpcRenderer {
  invoke: Electron.IpcRenderer['invoke'];
  send: Electron.IpcRenderer['send'];
  on(channel: string, listener: Listener): this;
  once(channel: string, listener: Listener): this;
  off(channel: string, listener: Listener): this;
  removeListener(channel: string, listener: Listener): this;
  removeAllListeners(channel: string): this;
}
// biome-ignore lint/suspicious/noExplicitAny: as electron.d.ts has it, so that listeners of the app fit
type Listener = (event: IpcRendererEvent, ...args: any[]) => void;

export const contextBridge = undefined as unknown as ContextBridge;
export const ipcRenderer = undefined as unknown as IpcRenderer;

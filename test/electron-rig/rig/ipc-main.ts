import { EventEmitter } from 'node:events';
import type { WebContents } from './contents/web-contents.ts';
import { loud } from './loud.ts';
import type { WebFrameMain } from './web-frame.ts';

export interface IpcMainInvokeEvent {
  readonly sender: WebContents;
  readonly senderFrame: WebFrameMain | null;
  readonly frameId: number;
  readonly processId: number;
  readonly type: 'frame';
}
export interface IpcMainEvent extends IpcMainInvokeEvent {
  reply(channel: string, ...args: unknown[]): void;
}
// biome-ignore lint/suspicious/noExplicitAny: as electron.d.ts has it, so that handlers of the app fit
type InvokeListener = (event: IpcMainInvokeEvent, ...args: any[]) => unknown;
// biome-ignore lint/suspicious/noExplicitAny: as electron.d.ts has it, so that listeners of the app fit
type EventListener = (event: IpcMainEvent, ...args: any[]) => void;

export interface IpcMain {
  handle(channel: string, listener: InvokeListener): void;
  handleOnce(channel: string, listener: InvokeListener): void;
  removeHandler(channel: string): void;
  on(channel: string, listener: EventListener): this;
  once(channel: string, listener: EventListener): this;
  off(channel: string, listener: EventListener): this;
  removeListener(channel: string, listener: EventListener): this;
  removeAllListeners(channel?: string): this;
}

export class RigIpcMain extends EventEmitter implements IpcMain {
  readonly #handlers = new Map<string, { listener: InvokeListener; once: boolean }>();

  handle(channel: string, listener: InvokeListener): void {
    this.#register(channel, listener, false);
  }

  handleOnce(channel: string, listener: InvokeListener): void {
    this.#register(channel, listener, true);
  }

  #register(channel: string, listener: InvokeListener, once: boolean): void {
    if (this.#handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.#handlers.set(channel, { listener, once });
  }

  removeHandler(channel: string): void {
    this.#handlers.delete(channel);
  }

  /** The handler, and that it is gone if it was for one time only. */
  takeHandler(channel: string): InvokeListener | undefined {
    const handler = this.#handlers.get(channel);
    if (handler?.once) this.#handlers.delete(channel);
    return handler?.listener;
  }
}

export const rigIpcMain = new RigIpcMain();
export const ipcMain: IpcMain = loud('ipcMain', rigIpcMain);

import { quietly, send } from '../chromium/browser.ts';
import { decode, encode } from '../codec.ts';
import type { IpcMainEvent, RigIpcMain } from '../ipc-main.ts';
import { preloadWorldName, receiveName } from '../page/inject.ts';
import type { RigContents } from './contents.ts';
import { webContentsOf } from './web-contents.ts';

export interface IpcDelivery {
  /** What the preload script's ipcRenderer sent. */
  received(text: string, sessionId: string, contextId: number): Promise<void>;
  send(channel: string, args: readonly unknown[]): void;
}

interface Message {
  kind: 'invoke' | 'send' | 'preload-error';
  id: number;
  channel: string;
  args: unknown;
  message: string;
}

export function ipcDelivery(contents: RigContents, shared: RigIpcMain): IpcDelivery {
  const run = (sessionId: string, contextId: number, message: object) => {
    // `?.`: the page may be on its way out, and the world already empty.
    const expression = `globalThis.${receiveName}?.(${JSON.stringify(JSON.stringify(message))})`;
    quietly(send('Runtime.evaluate', { contextId, expression }, sessionId));
  };
  const toPage = (channel: string, args: readonly unknown[]) => {
    const message = { kind: 'message', channel, args: encode(args) };
    const worlds = [...contents.contexts.values()].filter(
      ({ frameId, name }) => frameId === contents.targetId && name === preloadWorldName,
    );
    const world = worlds.at(-1);
    if (world) run(world.sessionId, world.id, message);
  };
  const invoke = async (message: Message, event: IpcMainEvent): Promise<object> => {
    try {
      const handler = contents.ipc.takeHandler(message.channel) ?? shared.takeHandler(message.channel);
      if (!handler) throw new Error(`No handler registered for '${message.channel}'`);
      return { value: encode(await handler(event, ...(decode(message.args) as unknown[]))) };
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      return { error: `Error invoking remote method '${message.channel}': ${text}` };
    }
  };
  return {
    send: toPage,
    received: async (text, sessionId, contextId) => {
      const message = JSON.parse(text) as Message;
      if (message.kind === 'preload-error') {
        contents.emit('preload-error', {}, contents.options.preload, new Error(message.message));
        console.error(`Unable to load preload script: ${contents.options.preload}\n${message.message}`);
        return;
      }
      const event: IpcMainEvent = {
        sender: webContentsOf(contents),
        senderFrame: contents.frameOfContext(sessionId, contextId),
        frameId: 1,
        processId: 1,
        type: 'frame',
        reply: (channel, ...args) => toPage(channel, args),
      };
      if (message.kind === 'send') {
        const args = decode(message.args) as unknown[];
        contents.ipc.emit(message.channel, event, ...args);
        shared.emit(message.channel, event, ...args);
        return;
      }
      run(sessionId, contextId, { kind: 'reply', id: message.id, ...(await invoke(message, event)) });
    },
  };
}

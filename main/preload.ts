import { contextBridge, ipcRenderer } from 'electron';
import { CALL_CHANNEL, EVENT_CHANNEL } from './ipc/channels.ts';

/** What a page sees of everything outside. It passes names and values on; the main process knows what this page may. */
const bridge = {
  call: (name: string, request?: unknown): Promise<unknown> => ipcRenderer.invoke(CALL_CHANNEL, name, request),
  on(name: string, listener: (payload: unknown) => void): () => void {
    const take = (_event: unknown, told: unknown, payload: unknown) => {
      if (told === name) listener(payload);
    };
    ipcRenderer.on(EVENT_CHANNEL, take);
    return () => {
      ipcRenderer.off(EVENT_CHANNEL, take);
    };
  },
};

contextBridge.exposeInMainWorld('deskwarden', bridge);

import { contextBridge, ipcRenderer } from 'electron';

Reflect.set(window, 'preloadLeak', 'leaked');
let required = '';
try {
  required = typeof require('node:fs');
} catch (error) {
  required = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
}
contextBridge.exposeInMainWorld('api', {
  echo: (value: unknown) => ipcRenderer.invoke('echo', value),
  who: () => ipcRenderer.invoke('who'),
  boom: () => ipcRenderer.invoke('boom'),
  missing: () => ipcRenderer.invoke('missing'),
  unclonable: () => ipcRenderer.invoke('unclonable'),
  echoFunction: () => ipcRenderer.invoke('echo', { f() {} }),
  each: (items: number[], callback: (item: number) => void) => {
    for (const item of items) callback(item);
  },
  counter: () => {
    let count = 0;
    const next = () => {
      count += 1;
      return count;
    };
    return { next, label: 'c' };
  },
  fail: () => {
    throw new Error('sync fail');
  },
  value: { n: 1, d: new Date(1), list: [1] },
  once: (callback: (args: unknown[]) => void) => {
    ipcRenderer.once('event', (_event: unknown, ...args: unknown[]) => callback(args));
  },
  environment: [required.replace('node:', ''), process.type, process.sandboxed, process.contextIsolated, typeof process.platform],
});

interface Given {
  bridge(key: string, api: unknown): void;
  encode(value: unknown): unknown;
  decode(value: unknown): unknown;
  ipcBinding: string;
  receiveName: string;
  processFacts: object;
}
type Listener = (event: unknown, ...args: unknown[]) => void;
type Script = (require: (id: string) => unknown, module: { exports: unknown }, exports: unknown, process: object) => void;

/** `require('electron')` of a sandboxed preload script, and the script itself. */
export function preloadWorld(given: Given, script: Script): void {
  const { bridge, encode, decode, ipcBinding, receiveName, processFacts } = given;
  const post = Reflect.get(globalThis, ipcBinding) as (text: string) => void;
  Reflect.deleteProperty(globalThis, ipcBinding);
  // As with nodeIntegrationInSubFrames off: a frame inside the page has no preload script.
  if (window.top !== window) return;

  const listeners = new Map<string, { listener: Listener; run: Listener }[]>();
  const calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const exposed = new Set<string>();
  const ofChannel = (channel: string) => listeners.get(channel) ?? [];
  const off = (channel: string, listener: Listener) => {
    const index = ofChannel(channel).findIndex((entry) => entry.listener === listener);
    if (index >= 0) ofChannel(channel).splice(index, 1);
    return ipcRenderer;
  };
  const add = (channel: string, listener: Listener, run: Listener = listener) => {
    listeners.set(channel, [...ofChannel(channel), { listener, run }]);
    return ipcRenderer;
  };
  const ipcRenderer: object = {
    invoke: (channel: string, ...args: unknown[]) =>
      new Promise((resolve, reject) => {
        const id = calls.size + 1;
        const text = JSON.stringify({ kind: 'invoke', id, channel, args: encode(args) });
        calls.set(id, { resolve, reject });
        post(text);
      }),
    send: (channel: string, ...args: unknown[]) => post(JSON.stringify({ kind: 'send', channel, args: encode(args) })),
    on: add,
    addListener: add,
    off,
    removeListener: off,
    once: (channel: string, listener: Listener) =>
      add(channel, listener, (...args) => {
        off(channel, listener);
        listener(...args);
      }),
    removeAllListeners: (channel: string) => {
      listeners.delete(channel);
      return ipcRenderer;
    },
  };
  Reflect.set(globalThis, receiveName, (text: string) => {
    const message = JSON.parse(text);
    if (message.kind === 'message') {
      const event = { sender: ipcRenderer, ports: [], preventDefault: () => {}, defaultPrevented: false };
      for (const { run } of [...ofChannel(message.channel)]) run(event, ...(decode(message.args) as unknown[]));
    } else if (message.error !== undefined) calls.get(message.id)?.reject(new Error(message.error));
    else calls.get(message.id)?.resolve(decode(message.value));
  });
  const covered = <T extends object>(name: string, api: T): T =>
    new Proxy(api, {
      get(target, key) {
        if (key in target || typeof key === 'symbol' || key === 'then') return Reflect.get(target, key);
        throw new Error(`electron rig: ${name}.${key} is not covered by the rig`);
      },
    });
  const electron = covered('electron (preload)', {
    contextBridge: covered('contextBridge', {
      exposeInMainWorld: (key: string, api: unknown) => {
        if (exposed.has(key)) throw new Error('Cannot bind an API on top of an existing property on the window object');
        exposed.add(key);
        bridge(key, api);
      },
    }),
    ipcRenderer: covered('ipcRenderer', ipcRenderer),
  });
  const requireInSandbox = (id: string) => {
    if (id === 'electron' || id === 'electron/renderer') return electron;
    throw new Error(`module not found: ${id}`);
  };
  const module = { exports: {} };
  try {
    script(requireInSandbox, module, module.exports, { ...processFacts, type: 'renderer', sandboxed: true, contextIsolated: true });
  } catch (error) {
    post(JSON.stringify({ kind: 'preload-error', message: error instanceof Error ? String(error.stack) : String(error) }));
  }
}

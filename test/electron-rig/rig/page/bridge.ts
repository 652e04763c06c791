/** What the two worlds of a page send each other. Chromium clones an event's `detail` from world to world. */
interface Call {
  id: number;
  fn: number;
  args: unknown[];
}
interface Returned {
  value?: unknown;
  error?: Fault;
  promise?: true;
}
interface Fault {
  name: string;
  message: string;
}
type MapValues = (value: unknown, change: (leaf: unknown) => unknown) => unknown;

/** A copy of plain objects and arrays, each leaf as `change` gives it. Dates, maps and the like are leaves. */
export function mapValues(value: unknown, change: (leaf: unknown) => unknown): unknown {
  const changed = change(value);
  if (changed !== value || value === null || typeof value !== 'object') return changed;
  if (Array.isArray(value)) return value.map((item) => mapValues(item, change));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapValues(item, change)]));
}

/** contextBridge, the page's side: values are copies, functions call over. */
export function bridgeInPage(channel: string, map: MapValues): void {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const callbacks = new Map<number, (...args: unknown[]) => unknown>();
  let calls = 0;
  let returned: Returned | null = null;

  const errorOf = ({ name, message }: Fault) => Object.assign(new Error(message), { name });
  const receive = (value: unknown) =>
    map(value, (leaf) => {
      const fn = (leaf as { electronRigFunction?: number } | null)?.electronRigFunction;
      return fn === undefined ? leaf : (...args: unknown[]) => call(fn, args);
    });
  const give = (value: unknown) =>
    map(value, (leaf) => {
      if (typeof leaf !== 'function') return leaf;
      callbacks.set(callbacks.size + 1, leaf as () => unknown);
      return { electronRigCallback: callbacks.size };
    });
  const call = (fn: number, args: unknown[]) => {
    calls += 1;
    const id = calls;
    const detail: Call = { id, fn, args: args.map(give) };
    returned = null;
    // Dispatching is synchronous: the other world has answered when it comes back.
    window.dispatchEvent(new CustomEvent(`${channel}call`, { detail }));
    const answer = returned as Returned | null;
    returned = null;
    if (!answer) throw new Error('electron rig: the preload world is gone');
    if (answer.promise) return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    if (answer.error) throw errorOf(answer.error);
    return receive(answer.value);
  };
  const freeze = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    for (const item of Object.values(value)) freeze(item);
    return Object.freeze(value);
  };
  const on = <T>(type: string, listener: (detail: T) => void) =>
    window.addEventListener(channel + type, (event) => listener((event as CustomEvent<T>).detail));

  on<{ key: string; api: unknown }>('expose', ({ key, api }) => {
    Object.defineProperty(window, key, { value: freeze(receive(api)), enumerable: true, configurable: false, writable: false });
  });
  on<Returned>('return', (detail) => {
    returned = detail;
  });
  on<{ id: number; value?: unknown; error?: Fault }>('settle', ({ id, value, error }) => {
    const promise = waiting.get(id);
    waiting.delete(id);
    if (error) promise?.reject(errorOf(error));
    else promise?.resolve(receive(value));
  });
  on<{ callback: number; args: unknown[] }>('callback', ({ callback, args }) => callbacks.get(callback)?.(...args.map(receive)));
}

/** contextBridge, the preload script's side. Returns what puts an API into the page. */
export function bridgeInPreload(channel: string, map: MapValues): (key: string, api: unknown) => void {
  const functions = new Map<number, (...args: unknown[]) => unknown>();
  const emit = (type: string, detail: unknown) => window.dispatchEvent(new CustomEvent(channel + type, { detail }));
  const give = (value: unknown) =>
    map(value, (leaf) => {
      if (typeof leaf !== 'function') return leaf;
      functions.set(functions.size + 1, leaf as () => unknown);
      return { electronRigFunction: functions.size };
    });
  const receive = (value: unknown) =>
    map(value, (leaf) => {
      const callback = (leaf as { electronRigCallback?: number } | null)?.electronRigCallback;
      return callback === undefined ? leaf : (...args: unknown[]) => void emit('callback', { callback, args: args.map(give) });
    });
  const faultOf = (error: unknown): Fault =>
    error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };

  window.addEventListener(`${channel}call`, (event) => {
    const { id, fn, args } = (event as CustomEvent<Call>).detail;
    try {
      const result = functions.get(fn)?.(...args.map(receive));
      if (!(result instanceof Promise)) {
        emit('return', { value: give(result) });
        return;
      }
      emit('return', { promise: true });
      result.then(
        (value) => emit('settle', { id, value: give(value) }),
        (error: unknown) => emit('settle', { id, error: faultOf(error) }),
      );
    } catch (error) {
      emit('return', { error: faultOf(error) });
    }
  });
  return (key, api) => void emit('expose', { key, api: give(api) });
}

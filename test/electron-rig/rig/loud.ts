import { EventEmitter } from 'node:events';

/** What may still be asked of an object that is gone. */
const allowedOfTheGone: ReadonlySet<string> = new Set([
  'isDestroyed',
  'id',
  'then',
  'destroy',
  'destroyed',
  'close',
  'gone',
  'off',
  'removeListener',
  'removeAllListeners',
]);
/** Names that JavaScript and test runners look for by themselves. */
const namesOfTheLanguage: ReadonlySet<PropertyKey> = new Set(['then', 'toJSON', 'constructor', 'asymmetricMatch', '$$typeof']);

/** The object, but a member that it lacks throws instead of being undefined: an app never runs on silence. */
export function loud<T extends object>(name: string, target: T): T {
  const bound = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(object, key) {
      if (typeof key === 'string' && Reflect.get(object, 'gone') === true && !allowedOfTheGone.has(key)) {
        throw new TypeError('Object has been destroyed');
      }
      if (!(key in object) && typeof key !== 'symbol' && !namesOfTheLanguage.has(key)) {
        throw new Error(`electron rig: ${name}.${key} is not covered by the rig`);
      }
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== 'function' || key === 'constructor') return value;
      // One and the same function each time, bound to what has the private fields.
      const known = bound.get(key);
      if (known !== undefined && !Object.hasOwn(object, key)) return known;
      const method: unknown = value.bind(object);
      bound.set(key, method);
      return method;
    },
    set: (object, key, value) => Reflect.set(object, key, value, object),
  });
}

type Listener = Parameters<EventEmitter['on']>[1];

/** Subscribing to an event that is never emitted is an error, unless it is one of `silent`: known, and rightly never seen. */
export class LoudEmitter extends EventEmitter {
  readonly #owner: string;
  readonly #emitted: readonly string[];
  readonly #silent: readonly string[];

  constructor(owner: string, emitted: readonly string[], silent: readonly string[] = []) {
    super();
    this.setMaxListeners(0);
    this.#owner = owner;
    this.#emitted = emitted;
    this.#silent = silent;
  }

  #mustKnow(event: string | symbol): void {
    if (typeof event !== 'string' || this.#emitted.includes(event) || this.#silent.includes(event)) return;
    throw new Error(`electron rig: event '${event}' of ${this.#owner} is never emitted by the rig`);
  }

  override on(event: string | symbol, listener: Listener): this {
    this.#mustKnow(event);
    return super.on(event, listener);
  }

  override addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }

  override once(event: string | symbol, listener: Listener): this {
    this.#mustKnow(event);
    return super.once(event, listener);
  }

  override prependListener(event: string | symbol, listener: Listener): this {
    this.#mustKnow(event);
    return super.prependListener(event, listener);
  }
}

/** Electron's event object; the rig looks at `defaultPrevented` after the listeners ran. */
export function cancelable<T extends object>(details: T): T & { defaultPrevented: boolean; preventDefault(): void } {
  const event = Object.assign(details, { defaultPrevented: false, preventDefault: () => {} });
  event.preventDefault = () => {
    event.defaultPrevented = true;
  };
  return event;
}

type Ask = (kind: string, data: object) => { allow: boolean } | undefined;

/**
 * window.open is decided in the main process before the page goes on: a refused one returns null. What opens begins empty, and goes
 * to its address once the rig has it in hand: Chromium does not wait for that, and now and then the rig would know little of it.
 */
export function asksBeforeOpening(ask: Ask, askApp: (question: object) => Promise<unknown>): void {
  const open = window.open;
  const opened = new Map<string, Window>();
  window.open = function (this: unknown, url?: string | URL, target?: string, features?: string) {
    const name = target ?? '_blank';
    const here = ['_self', '_parent', '_top'].includes(name) || Reflect.get(window, name) instanceof Window;
    const again = opened.get(name)?.closed === false;
    const text = String(url ?? '');
    const isUrl = text === '' || URL.canParse(text, document.baseURI);
    const href = text === '' || !isUrl ? 'about:blank' : new URL(text, document.baseURI).href;
    const isNew = !here && !again && isUrl;
    if (isNew) {
      const frameName = name === '_blank' ? '' : name;
      if (ask('open', { url: href, frameName, features: features ?? '' })?.allow === false) return null;
    }
    const goesLater = isNew && href.startsWith('http') && !/noopener|noreferrer/.test(features ?? '');
    const made = open.call(window, goesLater ? '' : url, target, features);
    if (made && goesLater) void askApp({ kind: 'opened' }).then(() => made.location.replace(href));
    if (made && name !== '_blank') opened.set(name, made);
    return made;
  };
}

/** Electron lets a script close a window that no script has opened; Chromium itself does not. */
export function closesItself(tell: (message: object) => void): void {
  if (window.top !== window) return;
  const close = window.close.bind(window);
  window.close = () => {
    close();
    if (!window.closed) tell({ kind: 'close' });
  };
}

/** A WebSocket is no request to the DevTools protocol, but it is one to Electron's webRequest. */
export function asksBeforeSocket(ask: Ask, base: () => string): void {
  const Real = globalThis.WebSocket;
  if (!Real) return;
  const Asking = new Proxy(Real, {
    construct(target, args: [url: string | URL, protocols?: string | string[]], newTarget) {
      const text = String(args[0]);
      if (!URL.canParse(text, base())) return Reflect.construct(target, args, newTarget);
      const url = new URL(text, base());
      url.protocol = url.protocol.replace('http', 'ws');
      if (ask('websocket', { url: url.href })?.allow !== false) return Reflect.construct(target, args, newTarget);
      // No name server knows it: the socket fails as a cancelled one does, with `error` and then `close` 1006.
      const refused = Reflect.construct(target, ['wss://cancelled.electron-rig.invalid/'], newTarget);
      return Object.defineProperty(refused, 'url', { value: url.href });
    },
  });
  Real.prototype.constructor = Asking;
  globalThis.WebSocket = Asking;
}

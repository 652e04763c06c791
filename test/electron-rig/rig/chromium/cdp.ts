import type { ChildProcess } from 'node:child_process';
import type { Protocol } from '../../../../node_modules/playwright-core/types/protocol.d.ts';

export type { Protocol };
export type Method = keyof Protocol.CommandParameters & keyof Protocol.CommandReturnValues;
export type CdpEvent = { [Name in keyof Protocol.Events]: { method: Name; params: Protocol.Events[Name] } }[keyof Protocol.Events];

export interface Cdp {
  readonly child: ChildProcess;
  send<M extends Method>(method: M, params?: Protocol.CommandParameters[M], sessionId?: string): Promise<Protocol.CommandReturnValues[M]>;
  onEvent(listener: (event: CdpEvent, sessionId: string | undefined) => void): void;
  onClosed(listener: () => void): void;
}

/** The browser refused a command: mostly because a page went away meanwhile. */
export class CdpRefusal extends Error {}
export class BrowserClosed extends Error {}

interface Waiting {
  method: string;
  resolve(result: never): void;
  reject(error: Error): void;
}

/** Over --remote-debugging-pipe: it needs no dependency, and leaves --remote-debugging-port to Playwright. */
export function connectCdp(child: ChildProcess): Cdp {
  const [, , , input, output] = child.stdio;
  if (!input || !('write' in input) || !output || !('on' in output)) throw new Error('electron rig: the browser has no debugging pipe');
  const waiting = new Map<number, Waiting>();
  const eventListeners: ((event: CdpEvent, sessionId: string | undefined) => void)[] = [];
  const closedListeners: (() => void)[] = [];
  let sequence = 0;
  let closed = false;
  let partial: Buffer[] = [];

  const close = () => {
    if (closed) return;
    closed = true;
    for (const { method, reject } of waiting.values()) reject(new BrowserClosed(`${method}: browser closed`));
    waiting.clear();
    for (const listener of closedListeners) listener();
  };
  const take = (message: { id?: number; error?: { message: string }; result?: never; sessionId?: string } & CdpEvent) => {
    if (message.id === undefined) {
      for (const listener of eventListeners) listener(message, message.sessionId);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) call?.reject(new CdpRefusal(`${call.method}: ${message.error.message}`));
    else call?.resolve(message.result as never);
  };
  output.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const text = Buffer.concat([...partial, rest.subarray(0, end)]).toString();
      partial = [];
      rest = rest.subarray(end + 1);
      take(JSON.parse(text));
    }
    if (rest.length > 0) partial.push(rest);
  });
  output.on('close', close);
  input.on('error', close);

  return {
    child,
    send: (method, params, sessionId) => {
      if (closed) return Promise.reject(new BrowserClosed(`${method}: browser closed`));
      sequence += 1;
      const id = sequence;
      return new Promise((resolve, reject) => {
        waiting.set(id, { method, resolve, reject });
        input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      });
    },
    onEvent: (listener) => void eventListeners.push(listener),
    onClosed: (listener) => void closedListeners.push(listener),
  };
}

import type { Result } from '../call.ts';
import type { FaultCode } from '../fault.ts';
import { DaemonMessage, type LocalApi, localApi, MAX_CLIENT_FRAME_BYTES, MAX_DAEMON_FRAME_BYTES } from '../local-api.ts';
import { createFrameDecoder, EMPTY_FRAME } from './framing.ts';
import { LinkFault } from './link-fault.ts';
import { readMessage, writeMessage } from './message.ts';

/** Runs it once, `ms` from now; gives what calls it off. It keeps no process alive. */
export type After = (ms: number, run: () => void) => () => void;

/** The bytes' way: an open socket. */
export interface LinkWire {
  write(bytes: Uint8Array): void;
  destroy(): void;
}

export type LinkListener = (payload: never) => void;
export type LinkAnswer = Result<unknown, FaultCode>;

/** Calls and events over one wire. Whatever comes is parsed by the table; what does not parse ends the link. */
export interface Link {
  /** Rejects with a `LinkFault`. */
  call(name: string, request: unknown, withinMs: number): Promise<LinkAnswer>;
  on(name: string, listener: LinkListener): () => void;
  /** Bytes that came. */
  take(chunk: Uint8Array): void;
  end(fault: LinkFault): void;
  /** Settles when the link is over, with the reason. */
  readonly closed: Promise<LinkFault>;
}

interface Waiting {
  call: string;
  settle(answer: LinkAnswer): void;
  fail(fault: LinkFault): void;
}

export function createLink(wire: LinkWire, after: After, keepAliveMs: number): Link {
  const decoder = createFrameDecoder(MAX_DAEMON_FRAME_BYTES);
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<string, Set<LinkListener>>();
  let nextId = 0;
  let over: LinkFault | null = null;
  let setClosed: (fault: LinkFault) => void = () => {};
  const closed = new Promise<LinkFault>((resolve) => {
    setClosed = resolve;
  });

  let stopKeepAlive = () => {};
  const keepAlive = () => {
    stopKeepAlive = after(keepAliveMs, () => {
      wire.write(EMPTY_FRAME);
      keepAlive();
    });
  };
  keepAlive();

  const end = (fault: LinkFault) => {
    if (over) return;
    over = fault;
    stopKeepAlive();
    wire.destroy();
    for (const { fail } of [...waiting.values()]) fail(fault);
    setClosed(fault);
  };
  const lie = (detail: string) => end(new LinkFault('bad-response', detail));

  const takeAnswer = (id: number, read: (entry: AnyCall, call: string) => LinkAnswer | string) => {
    // One that came too late is nobody's any more; one to a question that was never asked is a lie.
    if (id >= nextId) return lie(`an answer to call ${id}, which was never made`);
    const asked = waiting.get(id);
    if (!asked) return;
    const answer = read(callOf(asked.call), asked.call);
    if (typeof answer === 'string') return lie(answer);
    asked.settle(answer);
  };

  const takeEvent = (name: string, payload: unknown) => {
    const entry = Object.hasOwn(localApi, name) ? localApi[name as keyof LocalApi] : undefined;
    if (entry?.kind !== 'event') return lie(`no event "${name}"`);
    const parsed = entry.payload.safeParse(payload);
    if (!parsed.success) return lie(`event "${name}" does not parse`);
    for (const listener of [...(listeners.get(name) ?? [])]) listener(parsed.data as never);
  };

  const takeMessage = (message: DaemonMessage) => {
    switch (message.type) {
      case 'value':
        return takeAnswer(message.id, (entry, call) => {
          const value = entry.response.safeParse(message.value);
          return value.success ? { ok: true, value: value.data } : `the answer to "${call}" does not parse`;
        });
      case 'fault':
        return takeAnswer(message.id, (entry, call) => {
          const { code } = message.error;
          const isListed = code === 'bad-request' || code === 'internal' || entry.errors.includes(code);
          return isListed ? { ok: false, error: message.error } : `"${call}" never gives "${code}"`;
        });
      case 'event':
        return takeEvent(message.event, message.payload);
      case 'closing':
        return end(new LinkFault(message.error.code === 'busy' ? 'busy' : 'refused', message.error.detail));
    }
  };

  return {
    closed,
    end,
    take(chunk) {
      const { bodies, fault } = decoder.push(chunk);
      for (const body of bodies) {
        if (over) return;
        if (body.length === 0) continue;
        const read = readMessage(body);
        const message = DaemonMessage.safeParse(read.ok ? read.value : undefined);
        if (message.success) takeMessage(message.data);
        else lie(read.ok ? 'no message of a daemon' : read.detail);
      }
      if (fault) lie(fault.detail);
    },
    call: (name, request, withinMs) =>
      new Promise((resolve, reject) => {
        if (over) return reject(over);
        const id = nextId;
        const frame = writeMessage({ id, call: name, request }, MAX_CLIENT_FRAME_BYTES);
        if (frame === null) return resolve(tooLarge);
        nextId += 1;
        const settleBy = (settle: () => void) => {
          callOff();
          waiting.delete(id);
          settle();
        };
        const fail = (fault: LinkFault) => settleBy(() => reject(fault));
        const callOff = after(withinMs, () => fail(new LinkFault('timed-out', `no answer to "${name}" in ${withinMs} ms`)));
        waiting.set(id, { call: name, settle: (answer) => settleBy(() => resolve(answer)), fail });
        wire.write(frame);
      }),
    on(name, listener) {
      const known = listeners.get(name) ?? new Set();
      listeners.set(name, known.add(listener));
      return () => {
        known.delete(listener);
      };
    },
  };
}

type AnyCall = Extract<LocalApi[keyof LocalApi], { kind: 'call' }> & { errors: readonly FaultCode[] };

function callOf(name: string): AnyCall {
  return localApi[name as 'hello'] as unknown as AnyCall;
}

const tooLarge: LinkAnswer = {
  ok: false,
  error: { code: 'bad-request', detail: `the request is no JSON, or larger than ${MAX_CLIENT_FRAME_BYTES} bytes` },
};

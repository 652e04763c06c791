import type { KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Client, Result } from '../../contracts/call.ts';
import type { FaultCode } from '../../contracts/fault.ts';
import { DaemonMessage, type LocalApi, localApi, MAX_CLIENT_FRAME_BYTES, MAX_DAEMON_FRAME_BYTES } from '../../contracts/local-api.ts';
import { isSignedHello, newNonce } from './daemon-proof.ts';
import { createFrameDecoder, EMPTY_FRAME } from './framing.ts';
import { LinkFault, linkFaultOf } from './link-fault.ts';
import { readMessage, writeMessage } from './message.ts';

export interface ClientDeadlines {
  connectMs: number;
  helloMs: number;
  callMs: number;
  keepAliveMs: number;
}

export const CLIENT_DEADLINES: ClientDeadlines = {
  /** A local connect takes microseconds, or waits in the queue of a daemon that does not run. */
  connectMs: 2_000,
  /** One signature; leaves room for a daemon that is busy with a run. */
  helloMs: 3_000,
  /** The daemon gives up after 10 s and says so. */
  callMs: 12_000,
  /** The daemon takes 90 s of silence for a client that hangs. */
  keepAliveMs: 30_000,
};

export interface ClientOptions {
  path: string;
  /** The daemon's public key, and the user whose socket this is. Without it whoever listens is believed. */
  verify?: { key: KeyObject; uid: number };
  deadlines?: ClientDeadlines;
}

/** Calls give what the daemon answers; when it does not answer they reject with a `LinkFault`. */
export type LocalApiClient = Client<LocalApi> & {
  /** Settles when the connection is over, with the reason. A new one is the caller's business. */
  readonly closed: Promise<LinkFault>;
  close(): void;
};

type Listener = (payload: never) => void;
type Answer = Result<unknown, FaultCode>;

interface Waiting {
  call: string;
  settle(answer: Answer): void;
  fail(fault: LinkFault): void;
}

/** Rejects with a `LinkFault`. */
export async function connectLocalApi(options: ClientOptions): Promise<LocalApiClient> {
  const { path, verify, deadlines = CLIENT_DEADLINES } = options;
  const link = createLink(await open(path, deadlines.connectMs), deadlines);
  try {
    // Asked even where nobody checks the answer: a daemon that has no room says so here.
    const nonce = newNonce();
    const hello = await link.call('hello', { nonce }, deadlines.helloMs);
    if (!hello.ok) throw new LinkFault(hello.error.code === 'busy' ? 'busy' : 'not-the-daemon', hello.error.detail);
    const { signature } = hello.value as { signature: string };
    if (verify && !isSignedHello(verify.key, verify.uid, nonce, signature)) throw new LinkFault('not-the-daemon', 'wrong signature');
  } catch (error) {
    const fault = error as LinkFault;
    link.end(fault);
    // Who cannot even say hello in our language is somebody else.
    throw fault.code === 'bad-response' ? new LinkFault('not-the-daemon', fault.message) : fault;
  }
  const calls = Object.keys(localApi).map((name) => [name, (request: unknown) => link.call(name, request, deadlines.callMs)]);
  const on = (name: string, listener: Listener) => link.on(name, listener);
  const close = () => link.end(new LinkFault('closed', 'closed by us'));
  return { ...Object.fromEntries(calls), on, closed: link.closed, close } as LocalApiClient;
}

function open(path: string, connectMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (fault: LinkFault) => {
      clearTimeout(timer);
      socket.destroy();
      reject(fault);
    };
    const timer = setTimeout(() => fail(new LinkFault('timed-out', `no connection in ${connectMs} ms`)), connectMs);
    const onError = (error: NodeJS.ErrnoException) => fail(linkFaultOf(error, path));
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

function createLink(socket: Socket, deadlines: ClientDeadlines) {
  const decoder = createFrameDecoder(MAX_DAEMON_FRAME_BYTES);
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<string, Set<Listener>>();
  let nextId = 0;
  let over: LinkFault | null = null;
  let setClosed: (fault: LinkFault) => void = () => {};
  const closed = new Promise<LinkFault>((resolve) => {
    setClosed = resolve;
  });
  const keepAlive = setInterval(() => socket.write(EMPTY_FRAME), deadlines.keepAliveMs);
  // The open socket keeps the process alive, this need not.
  keepAlive.unref();

  const end = (fault: LinkFault) => {
    if (over) return;
    over = fault;
    clearInterval(keepAlive);
    socket.destroy();
    for (const { fail } of [...waiting.values()]) fail(fault);
    setClosed(fault);
  };
  const lie = (detail: string) => end(new LinkFault('bad-response', detail));

  const takeAnswer = (id: number, read: (entry: AnyCall, call: string) => Answer | string) => {
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

  const take = (message: DaemonMessage) => {
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

  socket.on('data', (chunk: Uint8Array) => {
    const { bodies, fault } = decoder.push(chunk);
    for (const body of bodies) {
      if (over) return;
      if (body.length === 0) continue;
      const read = readMessage(body);
      const message = DaemonMessage.safeParse(read.ok ? read.value : undefined);
      if (message.success) take(message.data);
      else lie(read.ok ? 'no message of a daemon' : read.detail);
    }
    if (fault) lie(fault.detail);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => end(new LinkFault('closed', error.code ?? error.message)));
  socket.on('close', () => end(new LinkFault('closed', 'the daemon ended the connection')));

  const call = (name: string, request: unknown, withinMs: number) =>
    new Promise<Answer>((resolve, reject) => {
      if (over) return reject(over);
      const id = nextId;
      const frame = writeMessage({ id, call: name, request }, MAX_CLIENT_FRAME_BYTES);
      if (frame === null) return resolve(tooLarge);
      nextId += 1;
      const settleBy = (settle: () => void) => {
        clearTimeout(timer);
        waiting.delete(id);
        settle();
      };
      const fail = (fault: LinkFault) => settleBy(() => reject(fault));
      const timer = setTimeout(() => fail(new LinkFault('timed-out', `no answer to "${name}" in ${withinMs} ms`)), withinMs);
      waiting.set(id, { call: name, settle: (answer) => settleBy(() => resolve(answer)), fail });
      socket.write(frame);
    });

  const on = (name: string, listener: Listener) => {
    const known = listeners.get(name) ?? new Set();
    listeners.set(name, known.add(listener));
    return () => {
      known.delete(listener);
    };
  };

  return { call, on, end, closed };
}

type AnyCall = Extract<LocalApi[keyof LocalApi], { kind: 'call' }> & { errors: readonly FaultCode[] };

function callOf(name: string): AnyCall {
  return localApi[name as 'hello'] as unknown as AnyCall;
}

const tooLarge: Answer = {
  ok: false,
  error: { code: 'bad-request', detail: `the request is no JSON, or larger than ${MAX_CLIENT_FRAME_BYTES} bytes` },
};

import type { Socket } from 'node:net';
import { z } from 'zod';
import type { Result } from '../../contracts/call.ts';
import type { Fault, FaultCode } from '../../contracts/fault.ts';
import { ClientMessage, MAX_CLIENT_FRAME_BYTES, MAX_DAEMON_FRAME_BYTES } from '../../contracts/local-api.ts';
import { createCallRate } from '../../contracts/local-link/call-rate.ts';
import { createFrameDecoder } from '../../contracts/local-link/framing.ts';
import { readMessage, writeMessage } from '../../contracts/local-link/message.ts';
import type { LocalApiLimits } from './limits.ts';
import type { SocketFaultCode } from './socket-fault.ts';

const MAX_DETAIL_CHARS = 500;

export interface ConnectionOptions {
  limits: LocalApiLimits;
  monotonicMs(): number;
  /** Never throws. */
  answer(call: string, request: unknown): Promise<Result<unknown, FaultCode>>;
  /** Ends the socket with this word to its client. */
  sayFarewell(socket: Socket, why: Fault): void;
  onFault(code: SocketFaultCode, detail: string): void;
  onGone(): void;
  /** A reader lets bytes wait here; the caller sees to the sum over all connections. */
  onBacklog(): void;
}

export interface Connection {
  /** False until its first call: nobody has shown that he speaks our language. */
  hasCalled(): boolean;
  /** For how long nothing was said and nothing is being answered; 0 while a call is. */
  quietMs(): number;
  queuedBytes(): number;
  send(frame: Uint8Array): void;
  end(code: SocketFaultCode, why: Fault): void;
  /** Ends a reader that lets too much wait. */
  drop(): void;
  destroy(): void;
}

/** The daemon's side of one client. Whatever he sends or does not send, it takes bounded memory and time. */
export function serveConnection(socket: Socket, options: ConnectionOptions): Connection {
  const { limits, monotonicMs } = options;
  const decoder = createFrameDecoder(MAX_CLIENT_FRAME_BYTES);
  const mayCall = createCallRate(limits.callsPerSecond, limits.burst, monotonicMs);
  const deadlines = new Set<NodeJS.Timeout>();
  let hasCalled = false;
  let inFlight = 0;
  let heardMs = monotonicMs();
  let isOver = false;
  let draining: NodeJS.Timeout | undefined;
  let quiet = setTimeout(() => beQuiet(limits.firstCallMs), limits.firstCallMs);

  const beQuiet = (ms: number) => end('idle', { code: 'busy', detail: `nothing said in ${ms} ms` });

  const finish = () => {
    if (isOver) return false;
    isOver = true;
    clearTimeout(quiet);
    clearTimeout(draining);
    for (const deadline of deadlines) clearTimeout(deadline);
    options.onGone();
    return true;
  };

  const end = (code: SocketFaultCode, why: Fault) => {
    if (!finish()) return;
    options.onFault(code, why.detail);
    options.sayFarewell(socket, why);
  };

  const drop = () => {
    if (!finish()) return;
    options.onFault('slow-reader', `${socket.writableLength} bytes wait`);
    socket.destroy();
  };

  const send = (frame: Uint8Array) => {
    if (isOver) return;
    if (socket.writableLength + frame.length > limits.queuedBytes) return drop();
    if (socket.write(frame)) return;
    draining ??= setTimeout(drop, limits.drainMs);
    options.onBacklog();
  };

  const reply = (id: number, result: Result<unknown, FaultCode>) => {
    const message = result.ok
      ? { type: 'value', id, value: result.value }
      : { type: 'fault', id, error: { code: result.error.code, detail: result.error.detail.slice(0, MAX_DETAIL_CHARS) } };
    const frame = writeMessage(message, MAX_DAEMON_FRAME_BYTES);
    if (frame) return send(frame);
    options.onFault('answer-too-large', 'an answer that is no JSON, or larger than a frame');
    reply(id, internal);
  };

  /** Settles with what the handler says in time. */
  const inTime = (call: string, answer: Promise<Result<unknown, FaultCode>>) =>
    new Promise<Result<unknown, FaultCode>>((resolve) => {
      const deadline = setTimeout(() => {
        deadlines.delete(deadline);
        options.onFault('handler-hung', `"${call}" took longer than ${limits.callMs} ms`);
        resolve(internal);
      }, limits.callMs);
      deadlines.add(deadline);
      answer.then((result) => {
        clearTimeout(deadline);
        deadlines.delete(deadline);
        resolve(result);
      });
    });

  const handle = async ({ id, call, request }: ClientMessage) => {
    hasCalled = true;
    if (inFlight >= limits.callsInFlight) {
      options.onFault('too-many-calls', `${inFlight} calls at the same time`);
      return reply(id, fault('busy', `${inFlight} calls are being answered`));
    }
    inFlight += 1;
    const result = await inTime(call, options.answer(call, request));
    inFlight -= 1;
    heardMs = monotonicMs();
    if (!isOver) reply(id, result);
  };

  const receive = (body: Uint8Array) => {
    heardMs = monotonicMs();
    if (!mayCall()) return end('too-many-calls', { code: 'busy', detail: `more than ${limits.callsPerSecond} messages a second` });
    if (body.length > 0) {
      const read = readMessage(body);
      if (!read.ok) return end('bad-message', { code: 'bad-request', detail: read.detail });
      const message = ClientMessage.safeParse(read.value);
      if (!message.success) return end('bad-message', { code: 'bad-request', detail: explain(message.error) });
      void handle(message.data);
    }
    // Only a whole frame counts: a byte now and then keeps nobody in.
    clearTimeout(quiet);
    const quietMs = hasCalled ? limits.idleMs : limits.firstCallMs;
    quiet = setTimeout(() => beQuiet(quietMs), quietMs);
  };

  socket.on('data', (chunk: Uint8Array) => {
    const { bodies, fault } = decoder.push(chunk);
    for (const body of bodies) {
      if (isOver) return;
      receive(body);
    }
    if (fault && !isOver) end('bad-frame', { code: 'bad-request', detail: fault.detail });
  });
  socket.on('drain', () => {
    clearTimeout(draining);
    draining = undefined;
  });
  // A client that breaks off is no fault; 'close' follows.
  socket.on('error', () => {});
  socket.on('close', finish);

  return {
    hasCalled: () => hasCalled,
    quietMs: () => (inFlight > 0 ? 0 : monotonicMs() - heardMs),
    queuedBytes: () => socket.writableLength,
    send,
    end,
    drop,
    destroy() {
      finish();
      socket.destroy();
    },
  };
}

const internal = fault('internal', 'no answer');

function fault(code: FaultCode, detail: string): Result<unknown, FaultCode> {
  return { ok: false, error: { code, detail } };
}

function explain(error: z.ZodError): string {
  return z.prettifyError(error).slice(0, MAX_DETAIL_CHARS);
}

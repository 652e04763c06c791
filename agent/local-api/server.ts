import type { KeyObject } from 'node:crypto';
import { chmod, mkdir, rmdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import path from 'node:path';
import { geteuid } from 'node:process';
import type { z } from 'zod';
import { answer, type Handlers, type Result } from '../../contracts/call.ts';
import type { FaultCode } from '../../contracts/fault.ts';
import { type LocalApi as LocalApiTable, localApi, MAX_DAEMON_FRAME_BYTES } from '../../contracts/local-api.ts';
import { writeMessage } from '../../contracts/local-link/message.ts';
import { systemClock } from '../host/clock.ts';
import { type Connection, serveConnection } from './connection.ts';
import { signHello } from './daemon-proof.ts';
import { createFarewell } from './farewell.ts';
import { LIMITS, type LocalApiLimits } from './limits.ts';
import { isLoose, isPlain, lookAt, pathFlaw } from './path-safety.ts';
import { createRoster } from './roster.ts';
import { createFaultTeller, SocketRefused, type ToldFault } from './socket-fault.ts';
import { openUserSocket, type UserSocket } from './user-socket.ts';

type Payloads = {
  [K in keyof LocalApiTable as LocalApiTable[K]['kind'] extends 'event' ? K : never]: LocalApiTable[K] extends {
    payload: infer E extends z.ZodType;
  }
    ? z.input<E>
    : never;
};

/** `hello` is the listener's own. */
export type LocalApiHandlers = Omit<Handlers<LocalApiTable>, 'hello'>;

export interface LocalApiOptions {
  /** Absolute; made if it is not there. Every user gets a directory in it. */
  dir: string;
  /** Uids of those who get a socket. Asked at the start and at each `refresh`; `close` waits for the answer. */
  users(): Promise<readonly number[]>;
  /** Whose socket it was asked on is the only thing known about a caller. */
  handlers(uid: number): LocalApiHandlers;
  /** The daemon's Ed25519 private key, by which clients know it. */
  key: KeyObject;
  limits?: LocalApiLimits;
  onFault(fault: ToldFault): void;
}

export interface LocalApi {
  /** Uids that have a socket. Who has none, `onFault` told why. */
  serving(): number[];
  /** Gives new users a socket, takes it from those who left, and makes again what a user removed. */
  refresh(): Promise<void>;
  broadcast<K extends keyof Payloads>(event: K, payload: Payloads[K]): void;
  /** Ends every connection and removes what it made. */
  close(): Promise<void>;
}

const EVERYBODY_MAY_PASS = 0o755;

export async function listenLocalApi(options: LocalApiOptions): Promise<LocalApi> {
  const { dir, key, limits = LIMITS } = options;
  const { monotonicMs } = systemClock;
  const tell = createFaultTeller(limits.faultEveryMs, monotonicMs, options.onFault);
  const farewell = createFarewell(limits.lingerMs, limits.lingering);
  const roster = createRoster(limits);
  const sockets = new Map<number, UserSocket>();
  const connected = new Set<Socket>();
  const madeDir = await prepareDir(dir);

  const welcome = (uid: number, handlers: Handlers<LocalApiTable>, socket: Socket) => {
    connected.add(socket);
    socket.once('close', () => connected.delete(socket));
    if (!roster.hasRoomFor(uid)) {
      socket.on('error', () => {});
      tell({ code: 'too-many-connections', uid, detail: 'no quiet connection to end' });
      return farewell.say(socket, { code: 'busy', detail: 'too many connections' });
    }
    const connection: Connection = serveConnection(socket, {
      limits,
      monotonicMs,
      answer: (name, request) => answerSafely(handlers, name, request),
      sayFarewell: farewell.say,
      onFault: (code, detail) => tell({ code, uid, detail }),
      onGone: () => roster.remove(uid, connection),
      onBacklog: () => relieve(roster.all(), limits.totalQueuedBytes),
    });
    roster.add(uid, connection);
  };

  const open = async (uid: number) => {
    try {
      const handlers = watchHandlers(
        { ...options.handlers(uid), hello: async ({ nonce }) => ({ ok: true, value: { signature: signHello(key, uid, nonce) } }) },
        (detail) => tell({ code: 'handler-threw', uid, detail }),
      );
      sockets.set(uid, await openUserSocket(dir, uid, limits.staleProbeMs, (socket) => welcome(uid, handlers, socket)));
    } catch (error) {
      tell({ code: error instanceof SocketRefused ? error.code : 'system', uid, detail: messageOf(error) });
    }
  };

  const shut = async (uid: number, socket: UserSocket) => {
    sockets.delete(uid);
    for (const connection of roster.of(uid)) connection.destroy();
    try {
      await socket.close();
    } catch (error) {
      tell({ code: 'system', uid, detail: messageOf(error) });
    }
  };

  const adjust = async (wanted: readonly number[]) => {
    for (const [uid, socket] of [...sockets]) {
      if (!wanted.includes(uid) || !(await socket.isThere())) await shut(uid, socket);
    }
    for (const uid of wanted) if (!sockets.has(uid)) await open(uid);
  };

  // One after the other: two at the same time would take each other's sockets for strangers'.
  let turn: Promise<void> = Promise.resolve();
  let isClosed = false;
  const inTurn = (work: () => Promise<void>) => {
    turn = turn.then(work, work);
    return turn;
  };
  const refresh = () => inTurn(async () => (isClosed ? undefined : adjust(await options.users())));

  await refresh();
  return {
    serving: () => [...sockets.keys()],
    refresh,
    broadcast(event, payload) {
      const frame = writeMessage({ type: 'event', event, payload }, MAX_DAEMON_FRAME_BYTES);
      if (frame === null) return tell({ code: 'answer-too-large', uid: null, detail: `event ${event}` });
      for (const connection of roster.all()) connection.send(frame);
    },
    async close() {
      isClosed = true;
      await inTurn(async () => {
        for (const socket of connected) socket.destroy();
        await adjust([]);
        if (madeDir) await rmdir(dir).catch(() => {});
      });
    },
  };
}

/** Makes the directory where it is missing, and refuses one in which somebody else could put things. True when it was made. */
async function prepareDir(dir: string): Promise<boolean> {
  if (!isPlain(dir)) throw new SocketRefused('unsafe-path', `${dir} is not absolute, or not in its shortest form`);
  const found = await lookAt(dir);
  const flaw = await pathFlaw(found ? dir : path.dirname(dir), geteuid?.() ?? 0);
  if (flaw !== null) throw new SocketRefused('unsafe-path', flaw);
  if (found && isLoose(found)) throw new SocketRefused('unsafe-path', `${dir} can be written by others`);
  if (found) return false;
  await mkdir(dir);
  // The process's umask may have taken from the others what they need to get to their own.
  await chmod(dir, EVERYBODY_MAY_PASS);
  return true;
}

/** Who lets the most bytes wait is put out first, until the rest fits. */
function relieve(connections: Connection[], totalQueuedBytes: number): void {
  let queued = connections.reduce((sum, connection) => sum + connection.queuedBytes(), 0);
  if (queued <= totalQueuedBytes) return;
  for (const connection of connections.sort((a, b) => b.queuedBytes() - a.queuedBytes())) {
    if (queued <= totalQueuedBytes) return;
    queued -= connection.queuedBytes();
    connection.drop();
  }
}

/** The table keeps from the client what a handler throws; here it is told to whoever reads our log. */
function watchHandlers(handlers: Handlers<LocalApiTable>, onThrow: (detail: string) => void): Handlers<LocalApiTable> {
  const watched = Object.entries(handlers).map(([name, handler]) => [
    name,
    async (request: never) => {
      try {
        return await handler(request);
      } catch (error) {
        onThrow(`${name}: ${messageOf(error)}`);
        throw error;
      }
    },
  ]);
  return Object.fromEntries(watched) as Handlers<LocalApiTable>;
}

/** A handler that gives nothing at all is as good as one that throws. */
async function answerSafely(handlers: Handlers<LocalApiTable>, name: string, request: unknown): Promise<Result<unknown, FaultCode>> {
  const result: Result<unknown, FaultCode> | undefined = await answer(localApi, handlers, name, request);
  return result ?? { ok: false, error: { code: 'internal', detail: `"${name}" gave nothing` } };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

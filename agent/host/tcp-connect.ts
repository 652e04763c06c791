import { isIPv6, connect as netConnect, type Socket } from 'node:net';
import type { Clock } from '../../checks/host.ts';
import type { AddressAttempt } from '../../checks/network/observations.ts';
import { bounded, type Limit } from './bounded.ts';
import { failureOf } from './fail-kind.ts';

/** Addresses of one host that are tried; the rest of a long answer is served by the same edge. */
export const MOST_ATTEMPTS = 4;

export interface Line {
  address: string;
  socket: Socket;
}

export interface Connecting {
  /** The first that connected; the sockets of all others are closed. Null once all have failed. */
  first: Promise<Line | null>;
  /** Every attempt, in the order of the addresses. */
  all: Promise<AddressAttempt[]>;
  /** Gives up what has not ended yet. */
  cancel(): void;
}

/** Connects to one address. Never to a name: that would ask getaddrinfo, which can hang for ever. */
export async function connectAddress(
  address: string,
  port: number,
  limit: Limit,
  clock: Clock,
): Promise<{ attempt: AddressAttempt; socket: Socket | null }> {
  const startedAt = clock.monotonicMs();
  const ending = await bounded<{ socket: Socket; connectMs: number }>(limit, (settle, fail) => {
    const socket = netConnect({ host: address, port, autoSelectFamily: false, noDelay: true });
    socket.once('connect', () => settle({ socket, connectMs: clock.monotonicMs() - startedAt }));
    // Stays on: a reset that arrives between two steps must not be an uncaught exception.
    socket.on('error', fail);
    return (succeeded) => {
      if (!succeeded) socket.destroy();
    };
  });
  if (ending.ok) return { attempt: { address, ok: true, connectMs: ending.value.connectMs, failure: null }, socket: ending.value.socket };
  const failure = failureOf('tcp', ending.error, isIPv6(address) ? 6 : 4);
  return { attempt: { address, ok: false, connectMs: null, failure }, socket: null };
}

/** Connects to all addresses at once; `closed` is called for each whose socket is not handed on. */
export function connectAll(addresses: readonly string[], port: number, limit: Limit, clock: Clock, closed: () => void): Connecting {
  const cancelled = new AbortController();
  const each = { ms: limit.ms, signal: AbortSignal.any([limit.signal, cancelled.signal]) };
  let settleFirst: (line: Line | null) => void = () => {};
  let taken = false;
  const first = new Promise<Line | null>((resolve) => {
    settleFirst = resolve;
  });
  const all = Promise.all(
    addresses.map(async (address) => {
      const { attempt, socket } = await connectAddress(address, port, each, clock);
      if (socket && !taken) {
        taken = true;
        settleFirst({ address, socket });
        return attempt;
      }
      socket?.destroy();
      closed();
      return attempt;
    }),
  );
  void all.then(() => settleFirst(null));
  return { first, all, cancel: () => cancelled.abort() };
}

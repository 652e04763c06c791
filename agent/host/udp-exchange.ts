import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Clock, UdpPlan } from '../../checks/host.ts';
import type { UdpEvent, UdpExchange, UdpSocketKind } from '../../checks/network/observations.ts';
import { bounded } from './bounded.ts';
import { codeOf, fieldOf } from './fail-kind.ts';

const KEPT_EVENTS = 512;
/** Kept free for what this desk sent, so that a flood of answers cannot hide it. */
const MOST_RESERVED = 256;
/** An Ethernet frame's payload: longer answers are no STUN and no audio. */
const KEPT_BYTES = 1_500;

interface Peer {
  on: UdpSocketKind;
  socket: Socket;
  usable: boolean;
}

/** Sends the planned datagrams and listens until the plan's end, or until it has enough. */
export async function exchangeDatagrams(plan: UdpPlan, signal: AbortSignal, clock: Clock): Promise<UdpExchange> {
  const startedAt = clock.monotonicMs();
  const atMs = () => clock.monotonicMs() - startedAt;
  const family = isIP(plan.address);
  const kinds: UdpSocketKind[] = plan.socket === 'both' ? ['connected', 'unconnected'] : [plan.socket];
  const log = createLog(plan.datagrams.length * kinds.length);
  // A name would go to getaddrinfo, which can hang for ever.
  if (family === 0) return { events: kinds.map((on) => ({ atMs: 0, on, kind: 'error', code: 'not-an-address', syscall: '' })), dropped: 0 };

  await bounded<null>({ ms: plan.listenMs, signal }, (settle) => {
    const failed = (on: UdpSocketKind, error: unknown, syscall: string) => log.add(errorEvent({ atMs: atMs(), on }, error, syscall));
    const onMessage = (on: UdpSocketKind, message: Buffer, from: RemoteInfo) => {
      const bytes = Uint8Array.prototype.slice.call(message, 0, KEPT_BYTES);
      const source = { host: from.address, port: from.port };
      const enough = isEnough(plan, bytes, source);
      log.add({ atMs: atMs(), on, kind: 'received', from: source, bytes }, enough);
      if (enough) settle(null);
    };
    const peers = kinds.map((on): Peer => {
      const peer: Peer = { on, socket: createSocket(family === 4 ? 'udp4' : 'udp6'), usable: false };
      peer.socket.on('error', (error) => failed(on, error, ''));
      peer.socket.on('message', (message, from) => onMessage(on, message, from));
      return peer;
    });
    const stopSending = sendOnTime(plan, peers, atMs, log, failed);
    return () => {
      stopSending();
      for (const { socket } of peers) {
        socket.removeAllListeners('message');
        socket.close();
      }
    };
  });
  return log.exchange();
}

function isEnough(plan: UdpPlan, bytes: Uint8Array, from: { host: string; port: number }): boolean {
  try {
    return plan.isEnough(bytes, from);
  } catch {
    return false;
  }
}

/** Opens the sockets, then sends each datagram on each of them when it is due; what this returns stops it. */
function sendOnTime(
  plan: UdpPlan,
  peers: readonly Peer[],
  atMs: () => number,
  log: EventLog,
  failed: (on: UdpSocketKind, error: unknown, syscall: string) => void,
): () => void {
  const due = plan.datagrams.map((datagram, index) => ({ ...datagram, index })).sort((a, b) => a.atMs - b.atMs);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const send = (peer: Peer, index: number, bytes: Uint8Array) => {
    // Noted before the callback comes, which the answer may overtake.
    const event: UdpEvent = { atMs: atMs(), on: peer.on, kind: 'sent', index };
    log.add(event);
    const sent = (error: unknown) => {
      if (error) log.replace(event, errorEvent(event, error, 'send'));
    };
    try {
      if (peer.on === 'connected') peer.socket.send(bytes, sent);
      else peer.socket.send(bytes, plan.port, plan.address, sent);
    } catch (error) {
      sent(error);
    }
  };
  const sendDue = () => {
    for (let next = due[0]; next && next.atMs <= atMs(); next = due[0]) {
      due.shift();
      for (const peer of peers) if (peer.usable) send(peer, next.index, next.bytes);
    }
    const next = due[0];
    if (next) timer = setTimeout(sendDue, Math.max(0, next.atMs - atMs()));
  };
  const opened = peers.map(
    (peer) =>
      new Promise<void>((resolve) => {
        const ready = (error?: unknown) => {
          peer.usable = !error;
          if (error && !stopped) failed(peer.on, error, peer.on === 'connected' ? 'connect' : 'bind');
          resolve();
        };
        // An unconnected socket binds itself at its first send.
        if (peer.on === 'unconnected') return ready();
        try {
          // Typed without the error, which the callback gets when connecting fails.
          peer.socket.connect(plan.port, plan.address, ready as () => void);
        } catch (error) {
          ready(error);
        }
      }),
  );
  void Promise.all(opened).then(() => {
    if (!stopped) sendDue();
  });
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function errorEvent({ atMs, on }: Pick<UdpEvent, 'atMs' | 'on'>, error: unknown, syscall: string): UdpEvent {
  return { atMs, on, kind: 'error', code: codeOf(error), syscall: fieldOf(error, 'syscall') || syscall };
}

interface EventLog {
  add(event: UdpEvent, last?: boolean): void;
  replace(event: UdpEvent, by: UdpEvent): void;
  exchange(): UdpExchange;
}

function createLog(planned: number): EventLog {
  const events: UdpEvent[] = [];
  const reserved = Math.min(planned, MOST_RESERVED);
  let dropped = 0;
  return {
    add(event, last = false) {
      // The answer that ends the exchange is always kept, in the one place that nothing else may take.
      const room = KEPT_EVENTS - (last ? 0 : 1) - (event.kind === 'sent' || last ? 0 : reserved);
      if (events.length < room) events.push(event);
      else dropped += 1;
    },
    replace(event, by) {
      const index = events.indexOf(event);
      if (index >= 0) events[index] = by;
    },
    exchange: () => ({ events: [...events].sort((a, b) => a.atMs - b.atMs), dropped }),
  };
}

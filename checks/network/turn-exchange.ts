import type { UdpPlan } from '../host.ts';
import type { UdpEvent, UdpExchange } from './observations.ts';
import { encodeAllocate, encodeBinding, isAnswer, parseStun, StunMethod, transactionKey } from './stun.ts';

/**
 * RFC 8489 section 6.2.1: first retransmission after an RTO of at least 500 ms, doubling. Rc is 3 and the wait after the
 * last request 4 RTO instead of the RFC's 7 and 16: silence is confirmed by re-probes, and nobody waits 39.5 s for a table.
 */
const RETRANSMIT_AT_MS = [0, 500, 1_500];
const LISTEN_MS = 3_500;

/** What one TURN address did with a Binding and a credential-less Allocate. */
export interface TurnAnswer {
  /** A TURN answer to the Allocate: the error code (401 where credentials are asked for), 0 for a success; null for none. */
  allocate: number | null;
  /** A valid answer to the Binding. */
  binding: boolean;
  /** From request to answer, only when nothing was retransmitted (Karn's rule); milliseconds. */
  rttMs: number | null;
  /** An ICMP error from the path. */
  icmp: string | null;
  /** An error of this desk's own stack on sending; `other` says nothing about the path. */
  local: { kind: 'blocked-on-desk' | 'no-route' | 'other'; code: string } | null;
  /** An answer that is none: from another address, or not the STUN that was asked for. */
  strange: 'wrong-source' | 'wrong-cookie' | 'wrong-transaction' | 'malformed' | null;
  /** MAPPED-ADDRESS and XOR-MAPPED-ADDRESS differ: something on the path rewrites payloads (an ALG). */
  rewritten: boolean;
}

/** `random` gives that many random bytes. */
export function planTurnExchange(host: string, address: string, port: number, random: (length: number) => Uint8Array): UdpPlan {
  const binding = encodeBinding(random(12));
  const allocate = encodeAllocate(random(12));
  const allocateId = transactionKey(allocate.subarray(8));
  return {
    host,
    address,
    port,
    datagrams: RETRANSMIT_AT_MS.flatMap((atMs) => [
      { atMs, bytes: binding },
      { atMs, bytes: allocate },
    ]),
    listenMs: LISTEN_MS,
    socket: 'both',
    isEnough(bytes, from) {
      const parsed = parseStun(bytes);
      return (
        from.host === address && from.port === port && parsed.ok && isAnswer(parsed.message) && parsed.message.transactionId === allocateId
      );
    },
  };
}

/** Total over any exchange. A valid answer stands whatever else was seen; an error never hides one. */
export function readTurnExchange(plan: UdpPlan, { events }: UdpExchange): TurnAnswer {
  const [binding, allocate] = plan.datagrams.map((datagram) => transactionKey(datagram.bytes.subarray(8)));
  const answer: TurnAnswer = { allocate: null, binding: false, rttMs: null, icmp: null, local: null, strange: null, rewritten: false };
  for (const event of events) {
    if (event.kind === 'error') readError(answer, event);
    if (event.kind !== 'received') continue;
    const parsed = parseStun(event.bytes);
    const isOurs = parsed.ok && isAnswer(parsed.message) && [binding, allocate].includes(parsed.message.transactionId);
    if (!isOurs) {
      answer.strange ??= parsed.ok ? 'wrong-transaction' : parsed.fault === 'wrong-cookie' ? 'wrong-cookie' : 'malformed';
      continue;
    }
    if (event.from.host !== plan.address || event.from.port !== plan.port) {
      answer.strange ??= 'wrong-source';
      continue;
    }
    const { message } = parsed;
    if (message.transactionId === allocate && message.method === StunMethod.allocate) answer.allocate ??= message.error?.code ?? 0;
    if (message.transactionId === binding && message.method === StunMethod.binding) answer.binding = true;
    answer.rttMs ??= roundTripMs(plan, events, event);
    const { mapped, xorMapped } = message;
    answer.rewritten ||= mapped !== null && xorMapped !== null && (mapped.host !== xorMapped.host || mapped.port !== xorMapped.port);
  }
  return answer;
}

function roundTripMs(plan: UdpPlan, events: readonly UdpEvent[], received: Extract<UdpEvent, { kind: 'received' }>): number | null {
  const id = transactionKey(received.bytes.subarray(8));
  const sent = events.filter(
    (event): event is Extract<UdpEvent, { kind: 'sent' }> =>
      event.kind === 'sent' &&
      event.on === received.on &&
      event.atMs <= received.atMs &&
      transactionKey(plan.datagrams[event.index]?.bytes.subarray(8) ?? new Uint8Array(0)) === id,
  );
  return sent.length === 1 ? received.atMs - (sent[0] as { atMs: number }).atMs : null;
}

/**
 * The code alone is ambiguous: EHOSTUNREACH or EACCES may be this desk's own routing or an ICMP error of the path. ICMP
 * reaches connected sockets only, on reading or, pending from an earlier datagram, on the next `send`. So a `connect`, or a
 * send of the unconnected socket, that fails is local; EPERM is always the desk's own firewall, and ECONNREFUSED
 * (ECONNRESET on Windows) always ICMP port-unreachable. Whatever else went wrong, such as too many open files, went wrong
 * on this desk.
 */
function readError(answer: TurnAnswer, { code, syscall, on }: Extract<UdpEvent, { kind: 'error' }>): void {
  const isIcmp = portUnreachable.includes(code) || (on === 'connected' && syscall !== 'connect' && otherIcmp.includes(code));
  if (isIcmp) answer.icmp ??= code;
  else if (code === 'EPERM' || code === 'EACCES') answer.local = { kind: 'blocked-on-desk', code };
  else if (noRoute.includes(code)) answer.local = answer.local?.kind === 'blocked-on-desk' ? answer.local : { kind: 'no-route', code };
  else answer.local ??= { kind: 'other', code };
}

const portUnreachable = ['ECONNREFUSED', 'ECONNRESET'];
/** Of the other ICMP errors; Linux `icmp_err_convert`, EACCES and EPROTO being those of IPv6. */
const otherIcmp = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENONET', 'ENOPROTOOPT', 'EOPNOTSUPP', 'EACCES', 'EPROTO'];
/** EINVAL is what a `blackhole` route gives, EAFNOSUPPORT a desk without that IP version. */
const noRoute = ['ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'];

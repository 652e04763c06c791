import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UdpEvent } from '../../../../checks/network/observations.ts';
import { planTurnExchange, readTurnExchange } from '../../../../checks/network/turn-exchange.ts';

const address = '15.193.7.11';
let drawn = 0;
const plan = planTurnExchange('turn.example.com', address, 3478, (length) => Uint8Array.from({ length }, () => drawn++));
const [binding, allocate] = plan.datagrams.map((datagram) => datagram.bytes.slice(8, 20)) as [Uint8Array, Uint8Array];

/** An answer with the given type and attributes, to the transaction `id`. */
function answer(type: number, id: Uint8Array, attributes: number[] = [], cookie = [0x21, 0x12, 0xa4, 0x42]): Uint8Array {
  return Uint8Array.from([type >> 8, type & 0xff, 0, attributes.length, ...cookie, ...id, ...attributes]);
}
const unauthorized = [0, 9, 0, 4, 0, 0, 4, 1];
const allocate401 = answer(0x0113, allocate, unauthorized);
const bindingOk = answer(0x0101, binding);

const sent = (index: number, atMs: number): UdpEvent => ({ kind: 'sent', on: 'connected', index, atMs });
const received = (bytes: Uint8Array, atMs = 30, from = { host: address, port: 3478 }): UdpEvent => ({
  kind: 'received',
  on: 'connected',
  from,
  bytes,
  atMs,
});
const error = (code: string, syscall: string, on: 'connected' | 'unconnected' = 'connected'): UdpEvent => ({
  kind: 'error',
  on,
  code,
  syscall,
  atMs: 1,
});
const read = (...events: UdpEvent[]) => readTurnExchange(plan, { events, dropped: 0 });

const nothing = { allocate: null, binding: false, rttMs: null, icmp: null, local: null, strange: null, rewritten: false };

describe('planTurnExchange', () => {
  it('retransmits both requests after 500 ms and after twice that, with the same transaction ids', () => {
    expect(plan.datagrams.map(({ atMs, bytes }) => [atMs, bytes.length])).toEqual([
      [0, 20],
      [0, 28],
      [500, 20],
      [500, 28],
      [1_500, 20],
      [1_500, 28],
    ]);
    expect(plan.datagrams[2]?.bytes).toEqual(plan.datagrams[0]?.bytes);
  });
  it('has enough of it once TURN has answered, and not before', () => {
    const from = { host: address, port: 3478 };
    expect(plan.isEnough(bindingOk, from)).toBe(false);
    expect(plan.isEnough(allocate401, { ...from, host: '192.0.2.1' })).toBe(false);
    expect(plan.isEnough(allocate401, from)).toBe(true);
  });
});

describe('readTurnExchange', () => {
  it.each<[string, UdpEvent[], object]>([
    ['silence', [sent(0, 0), sent(1, 0)], {}],
    ['401 to the Allocate', [sent(1, 0), received(allocate401, 31)], { allocate: 401, rttMs: 31 }],
    ['no round trip from a retransmitted request', [sent(1, 0), sent(3, 500), received(allocate401, 531)], { allocate: 401 }],
    ['a STUN echo alone', [sent(0, 0), received(bindingOk, 12)], { binding: true, rttMs: 12 }],
    ['ICMP on reading', [error('EHOSTUNREACH', 'recvmsg')], { icmp: 'EHOSTUNREACH' }],
    ['EACCES on reading is ICMP over IPv6', [error('EACCES', 'recvmsg')], { icmp: 'EACCES' }],
    ['ECONNREFUSED on sending is a pending ICMP', [error('ECONNREFUSED', 'send')], { icmp: 'ECONNREFUSED' }],
    ['ECONNRESET is what Windows says of it', [error('ECONNRESET', 'recvmsg')], { icmp: 'ECONNRESET' }],
    ['EPERM on sending', [error('EPERM', 'send')], { local: { kind: 'blocked-on-desk', code: 'EPERM' } }],
    ['ENETUNREACH on connecting', [error('ENETUNREACH', 'connect')], { local: { kind: 'no-route', code: 'ENETUNREACH' } }],
    ['EHOSTUNREACH on a connected send is a pending ICMP', [error('EHOSTUNREACH', 'send')], { icmp: 'EHOSTUNREACH' }],
    [
      'EHOSTUNREACH on an unconnected send',
      [error('EHOSTUNREACH', 'send', 'unconnected')],
      { local: { kind: 'no-route', code: 'EHOSTUNREACH' } },
    ],
    ['EACCES on an unconnected send', [error('EACCES', 'send', 'unconnected')], { local: { kind: 'blocked-on-desk', code: 'EACCES' } }],
    [
      "the desk's own reject: EPERM explains the ICMP beside it",
      [error('ECONNREFUSED', 'recvmsg'), error('ENETUNREACH', 'send', 'unconnected'), error('EPERM', 'send')],
      { icmp: 'ECONNREFUSED', local: { kind: 'blocked-on-desk', code: 'EPERM' } },
    ],
    ['too many open files are no refusal', [error('EMFILE', 'bind')], { local: { kind: 'other', code: 'EMFILE' } }],
    ['a full send buffer is no refusal', [error('ENOBUFS', 'send')], { local: { kind: 'other', code: 'ENOBUFS' } }],
    [
      'a route that is missing explains an error without a meaning',
      [error('EMFILE', 'bind'), error('ENETUNREACH', 'connect')],
      { local: { kind: 'no-route', code: 'ENETUNREACH' } },
    ],
    ['another source', [received(allocate401, 30, { host: '15.193.7.50', port: 3478 })], { strange: 'wrong-source' }],
    ['another port', [received(allocate401, 30, { host: address, port: 4000 })], { strange: 'wrong-source' }],
    ['another transaction', [received(answer(0x0113, new Uint8Array(12), unauthorized))], { strange: 'wrong-transaction' }],
    ['another cookie', [received(answer(0x0101, binding, [], [0xde, 0xad, 0xbe, 0xef]))], { strange: 'wrong-cookie' }],
    ['garbage', [received(new TextEncoder().encode('HTTP/1.1 400 Bad Request'))], { strange: 'malformed' }],
    ['our own request reflected', [received(answer(0x0001, binding))], { strange: 'wrong-transaction' }],
    ['an answer with more bytes than it says', [received(Uint8Array.from([...allocate401, 0, 0, 0, 0]))], { strange: 'malformed' }],
    ['a truncated answer', [received(allocate401.subarray(0, 24))], { strange: 'malformed' }],
    [
      'two statements of our address that differ',
      [
        received(
          answer(0x0101, binding, [0, 1, 0, 8, 0, 1, 0x10, 0, 10, 0, 0, 1, 0, 0x20, 0, 8, 0, 1, 0x31, 0x12, 0xd3, 0x12, 0xa4, 0x43]),
        ),
      ],
      { binding: true, rewritten: true },
    ],
  ])('%s', (_name, events, expected) => {
    expect(read(...events)).toEqual({ ...nothing, ...expected });
  });

  it('keeps a genuine answer among 10,000 strange ones', () => {
    const strange = Array.from({ length: 10_000 }, () => received(Uint8Array.of(1, 2, 3)));
    expect(read(...strange, received(allocate401))).toEqual({ ...nothing, allocate: 401, strange: 'malformed' });
  });

  it('is total over any datagrams', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (datagrams) => {
        const answered = read(...datagrams.map((bytes) => received(bytes)));
        return answered.allocate === null && !answered.binding;
      }),
    );
  });
});

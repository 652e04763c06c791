import type { Socket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../agent/host/clock.ts';
import { exchangeDatagrams } from '../../../../agent/host/udp-exchange.ts';
import type { UdpPlan } from '../../../../checks/host.ts';
import type { UdpEvent } from '../../../../checks/network/observations.ts';
import { type UdpServer, udpServer } from '../../../servers/udp.ts';

const servers: UdpServer[] = [];
async function peer(onMessage: Parameters<typeof udpServer>[0]): Promise<number> {
  const server = await udpServer(onMessage);
  servers.push(server);
  return server.port;
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const running = new AbortController().signal;
const ping = Uint8Array.from([1, 2, 3, 4]);

function exchange(port: number, plan: Partial<UdpPlan> = {}, signal = running) {
  const defaults: UdpPlan = {
    host: 'turn.example.com',
    address: '127.0.0.1',
    port,
    datagrams: [{ atMs: 0, bytes: ping }],
    listenMs: 150,
    socket: 'unconnected',
    isEnough: () => false,
  };
  return exchangeDatagrams({ ...defaults, ...plan }, signal, systemClock);
}

const echo = (socket: Socket, bytes: Buffer, from: { port: number; address: string }) => socket.send(bytes, from.port, from.address);
const kinds = (events: UdpEvent[]) => events.map((event) => `${event.on} ${event.kind}`);

describe('an exchange', () => {
  // A busy machine may be late once, and not three times.
  it('sends on time and notes what comes back, and from where', { retry: 2 }, async () => {
    const port = await peer(echo);
    const datagrams = [60, 0, 30].map((atMs, index) => ({ atMs, bytes: Uint8Array.of(index) }));
    const { events, dropped } = await exchange(port, { datagrams, listenMs: 200 });
    const sent = events.filter((event) => event.kind === 'sent');
    expect(sent.map((event) => event.index)).toEqual([1, 2, 0]);
    for (const [place, dueMs] of [0, 30, 60].entries()) {
      const late = (sent[place]?.atMs ?? Number.NaN) - dueMs;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(60);
    }
    const received = events.filter((event) => event.kind === 'received');
    expect(received.map((event) => [event.from, [...event.bytes]])).toEqual([1, 2, 0].map((n) => [{ host: '127.0.0.1', port }, [n]]));
    expect(events.every((event, at) => at === 0 || event.atMs >= (events[at - 1]?.atMs ?? 0))).toBe(true);
    expect(dropped).toBe(0);
  });

  it('ends early once it has enough', async () => {
    const port = await peer(echo);
    const startedAt = performance.now();
    const { events } = await exchange(port, {
      listenMs: 5_000,
      datagrams: [
        { atMs: 0, bytes: ping },
        { atMs: 4_000, bytes: ping },
      ],
      isEnough: () => true,
    });
    expect(kinds(events)).toEqual(['unconnected sent', 'unconnected received']);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('uses both sockets for each datagram', async () => {
    const seen = new Set<number>();
    const port = await peer((socket, bytes, from) => {
      seen.add(from.port);
      echo(socket, bytes, from);
    });
    const { events } = await exchange(port, { socket: 'both' });
    expect(kinds(events).sort()).toEqual(['connected received', 'connected sent', 'unconnected received', 'unconnected sent']);
    expect(seen.size).toBe(2);
  });

  it.skipIf(process.platform === 'win32')('hears of a closed port on the connected socket alone [Windows tells both]', async () => {
    const port = await peer(() => {});
    await Promise.all(servers.splice(0).map((server) => server.close()));
    const { events } = await exchange(port, { socket: 'both', datagrams: [0, 0, 50].map((atMs) => ({ atMs, bytes: ping })) });
    const errors = events.filter((event) => event.kind === 'error');
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every((event) => event.on === 'connected' && event.code === 'ECONNREFUSED')).toBe(true);
    expect(events.filter((event) => event.on === 'unconnected').map((event) => event.kind)).toEqual(['sent', 'sent', 'sent']);
  });

  it('hears an answer from another port on the unconnected socket alone', async () => {
    const other = await udpServer(() => {});
    servers.push(other);
    const port = await peer((_socket, bytes, from) => other.send(bytes, from));
    const { events } = await exchange(port, { socket: 'both' });
    const received = events.filter((event) => event.kind === 'received');
    expect(received).toMatchObject([{ on: 'unconnected', from: { host: '127.0.0.1', port: other.port } }]);
  });

  it('keeps 1,500 bytes of an oversized answer, and a truncated one as it is', async () => {
    const port = await peer((socket, bytes, from) => {
      socket.send(Buffer.alloc(9_000, 7), from.port, from.address);
      socket.send(bytes.subarray(0, 1), from.port, from.address);
      socket.send(Buffer.alloc(0), from.port, from.address);
    });
    const { events } = await exchange(port);
    expect(events.flatMap((event) => (event.kind === 'received' ? [event.bytes.length] : []))).toEqual([1_500, 1, 0]);
  });

  it('keeps 512 events of a flood, all that was sent among them, and counts the rest', async () => {
    let flooding = true;
    const port = await peer((socket, bytes, from) => {
      // In portions that fit the receiver's buffer, else the kernel drops most of them.
      const flood = (left: number) => {
        for (let n = 0; n < 50; n += 1) socket.send(bytes, from.port, from.address, () => {});
        if (left > 50 && flooding) setImmediate(flood, left - 50);
      };
      flood(10_000);
    });
    const datagrams = [0, 250].map((atMs) => ({ atMs, bytes: ping }));
    const { events, dropped } = await exchange(port, { listenMs: 500, datagrams });
    flooding = false;
    await new Promise(setImmediate);
    expect(events.length).toBeLessThanOrEqual(512);
    expect(events.filter((event) => event.kind === 'sent')).toHaveLength(2);
    expect(events.length + dropped).toBeGreaterThan(2_000);
  });

  it('keeps the answer that was enough even behind a flood', async () => {
    const port = await peer((socket, bytes, from) => {
      // In portions that fit the receiver's buffer, else the kernel may drop the very last.
      const flood = (left: number) => {
        for (let n = 0; n < 50; n += 1) socket.send(bytes, from.port, from.address, () => {});
        if (left > 50) setImmediate(flood, left - 50);
        else setTimeout(() => socket.send(Buffer.from('good'), from.port, from.address), 50);
      };
      flood(700);
    });
    const isEnough = (bytes: Uint8Array) => Buffer.from(bytes).toString() === 'good';
    const { events } = await exchange(port, { listenMs: 1_000, isEnough });
    const last = events.findLast((event) => event.kind === 'received');
    expect(last?.kind === 'received' && Buffer.from(last.bytes).toString()).toBe('good');
  });

  it('survives a judgement that throws, a bad port, a name and an oversized datagram', async () => {
    const port = await peer(echo);
    const thrower = () => {
      throw new Error('no');
    };
    expect(kinds((await exchange(port, { isEnough: thrower })).events)).toEqual(['unconnected sent', 'unconnected received']);
    for (const socket of ['connected', 'unconnected'] as const) {
      expect((await exchange(70_000, { socket })).events).toMatchObject([{ on: socket, kind: 'error', code: 'ERR_SOCKET_BAD_PORT' }]);
      expect((await exchange(port, { socket, address: 'localhost' })).events).toMatchObject([
        { on: socket, kind: 'error', code: 'not-an-address' },
      ]);
      const datagrams = [{ atMs: 0, bytes: new Uint8Array(70_000) }];
      expect((await exchange(port, { socket, datagrams })).events).toMatchObject([{ kind: 'error', code: 'EMSGSIZE', syscall: 'send' }]);
    }
  });

  it('ends at once when the run ends', async () => {
    const port = await peer(() => {});
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    const startedAt = performance.now();
    await exchange(port, { listenMs: 5_000, socket: 'both' }, abort.signal);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect((await exchange(port, {}, abort.signal)).events).toEqual([]);
  });
});

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_CLIENT_FRAME_BYTES } from '../../../../contracts/local-api.ts';
import { EMPTY_FRAME, encodeFrame } from '../../../../contracts/local-link/framing.ts';
import {
  frameOf,
  goodHandlers,
  type RawClient,
  type Stage,
  type StagedApi,
  snapshot,
  snapshotOf,
  stageLocalApi,
  until,
  verdict,
} from './staged-api.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await stageLocalApi();
});
afterEach(() => stage.close());

const closing = (code: string) => ({ type: 'closing', error: { code } });
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whatever one client did, the next is served. */
async function expectServed(staged: StagedApi): Promise<void> {
  expect(await (await staged.client()).snapshot()).toEqual({ ok: true, value: snapshot });
}

describe('a message', () => {
  const nested = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  it.each<[string, Uint8Array, string]>([
    ['that is no JSON', frameOf('GET / HTTP/1.1'), 'bad-message'],
    ['that is another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'bad-frame'],
    ['that is a TLS hello', Buffer.from('16030100a5010000a10303', 'hex'), 'bad-frame'],
    ['in invalid UTF-8', encodeFrame(Uint8Array.of(0x22, 0xff, 0xfe, 0x22)), 'bad-message'],
    ['nested without end', frameOf(nested), 'bad-message'],
    ['nested in its request', frameOf(`{"id":0,"call":"recheck","request":${nested}}`), 'bad-message'],
    ['with a prototype', frameOf('{"id":0,"call":"recheck","request":{},"__proto__":{"ok":true}}'), 'bad-message'],
    ['with a prototype in its request', frameOf('{"id":0,"call":"recheck","request":{"__proto__":{"check":"a.b"}}}'), 'bad-message'],
    ['with a huge number', frameOf('{"id":1e999,"call":"recheck","request":{}}'), 'bad-message'],
    ['with a number beyond integers', frameOf('{"id":1e300,"call":"recheck","request":{}}'), 'bad-message'],
    ['with a negative number', frameOf('{"id":-1,"call":"recheck","request":{}}'), 'bad-message'],
    ['without a number', frameOf('{"call":"recheck","request":{}}'), 'bad-message'],
    ['with a long name', frameOf({ id: 0, call: 'x'.repeat(65) }), 'bad-message'],
    ['with a key nobody knows', frameOf({ id: 0, call: 'snapshot', as: 'root' }), 'bad-message'],
    ['that is a list', frameOf('[]'), 'bad-message'],
    ['that is null', frameOf('null'), 'bad-message'],
    ["that is the daemon's", frameOf({ type: 'event', event: 'gateChanged', payload: {} }), 'bad-message'],
    ['larger than the bound', encodeFrame(new Uint8Array(MAX_CLIENT_FRAME_BYTES + 1)), 'bad-frame'],
  ])('%s ends the connection with a code', async (_name, bytes, code) => {
    const staged = await stage.listen();
    const raw = await staged.raw();
    const message = raw.next();
    raw.socket.write(bytes);
    expect(await message).toMatchObject(closing('bad-request'));
    await raw.ended;
    expect(staged.faults.map((fault) => fault.code)).toEqual([code]);
    expect(raw.heard).toHaveLength(1);
    await expectServed(staged);
  });

  it.each([
    ['for no call', { id: 7, call: 'openGate', request: {} }],
    ['for a name of every object', { id: 7, call: 'constructor', request: {} }],
    ['for __proto__', { id: 7, call: '__proto__', request: {} }],
    ['for an event', { id: 7, call: 'gateChanged', request: {} }],
    ['with a request that does not parse', { id: 7, call: 'recheck', request: { check: 'rm -rf /' } }],
    ['with a request where there is none', { id: 7, call: 'snapshot', request: 1 }],
  ])('%s is refused, and the connection stays', async (_name, message) => {
    const staged = await stage.listen();
    const raw = await staged.raw();
    raw.send(message);
    expect(await raw.next()).toMatchObject({ type: 'fault', id: 7, error: { code: 'bad-request' } });
    raw.send({ id: 8, call: 'recheck', request: {} });
    expect(await raw.next()).toEqual({ type: 'value', id: 8 });
    expect(staged.faults).toEqual([]);
  });

  it('of any bytes does not stop the daemon', async () => {
    const staged = await stage.listen();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.boolean(), async (bytes, isFramed) => {
        const raw = await staged.raw();
        raw.socket.end(isFramed ? encodeFrame(bytes) : bytes);
        await raw.ended;
      }),
      { numRuns: 60 },
    );
    await expectServed(staged);
  });
});

describe('100 MB', () => {
  const total = 100 * 1024 * 1024;
  const header = Uint8Array.of(0x06, 0x40, 0x00, 0x00);
  const block = new Uint8Array(64 * 1024).fill(0x20);
  const frame = encodeFrame(block.subarray(0, MAX_CLIENT_FRAME_BYTES).fill(0x5b));

  /** Writes as fast as the other side takes it; the bytes that went before it was cut off. */
  async function pour(raw: RawClient, first: Uint8Array, rest: Uint8Array): Promise<number> {
    let isOver = false;
    void raw.ended.then(() => {
      isOver = true;
    });
    raw.socket.write(first);
    let sent = first.length;
    while (!isOver && sent < total) {
      sent += rest.length;
      if (!raw.socket.write(rest)) await Promise.race([new Promise((resolve) => raw.socket.once('drain', resolve)), raw.ended]);
    }
    return sent;
  }

  it.each([
    ['in one message', header, block, 'bad-frame'],
    ['in messages of the largest size', frame, frame, 'bad-message'],
    ['of empty messages', EMPTY_FRAME, new Uint8Array(64 * 1024), 'too-many-calls'],
  ])('%s are cut off at the bound, in bounded memory', async (_name, first, rest, code) => {
    const staged = await stage.listen();
    await expectServed(staged);
    const before = process.memoryUsage().rss;
    const sent = await pour(await staged.raw(), first, rest);
    const grown = process.memoryUsage().rss - before;
    // What the kernel holds of a socket, and what was under way.
    expect(sent).toBeLessThan(2 * 1024 * 1024);
    expect(grown).toBeLessThan(16 * 1024 * 1024);
    expect(staged.faults.map((fault) => fault.code)).toEqual([code]);
    await expectServed(staged);
  });

  it('ten times at once, while another is served', async () => {
    const staged = await stage.listen();
    const before = process.memoryUsage().rss;
    const pouring = Array.from({ length: 10 }, async () => pour(await staged.raw(), header, block));
    await expectServed(staged);
    expect(Math.max(...(await Promise.all(pouring)))).toBeLessThan(2 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('a client that', () => {
  it('says nothing is ended', async () => {
    const staged = await stage.listen({ limits: { firstCallMs: 100 } });
    const raw = await staged.raw();
    expect(await raw.next()).toMatchObject(closing('busy'));
    expect(await raw.ended).toBeLessThan(1_000);
    expect(staged.faults).toMatchObject([{ code: 'idle' }]);
  });

  it('says a byte now and then is ended all the same', async () => {
    const staged = await stage.listen({ limits: { firstCallMs: 150 } });
    const raw = await staged.raw();
    const bytes = frameOf({ id: 0, call: 'recheck', request: {} });
    let at = 0;
    const timer = setInterval(() => raw.socket.write(bytes.subarray(at, ++at)), 20);
    expect(await raw.next()).toMatchObject(closing('busy'));
    clearInterval(timer);
    expect(await raw.ended).toBeLessThan(1_000);
  });

  it('says a byte at a time, but in time, is served', async () => {
    const staged = await stage.listen();
    const raw = await staged.raw();
    for (const byte of frameOf({ id: 3, call: 'recheck', request: {} })) {
      raw.socket.write(Uint8Array.of(byte));
      await soon(1);
    }
    expect(await raw.next()).toEqual({ type: 'value', id: 3 });
  });

  it('called once and then says nothing is ended', async () => {
    const staged = await stage.listen({ limits: { idleMs: 100 } });
    const raw = await staged.raw();
    raw.send({ id: 0, call: 'recheck', request: {} });
    expect(await raw.next()).toMatchObject({ id: 0 });
    expect(await raw.next()).toMatchObject(closing('busy'));
  });

  it('closes its half is let go', async () => {
    const staged = await stage.listen();
    const raw = await staged.raw();
    raw.send({ id: 0, call: 'recheck', request: {} });
    await raw.next();
    raw.socket.end();
    expect(await raw.ended).toBeLessThan(1_000);
    expect(staged.faults).toEqual([]);
  });

  it('breaks off within a message, or while it is answered, leaves nothing', async () => {
    let asked = 0;
    const staged = await stage.listen({
      handlers: () => ({
        ...goodHandlers,
        snapshot: async () => {
          asked += 1;
          await soon(50);
          return { ok: true, value: snapshot };
        },
      }),
    });
    for (let round = 0; round < 20; round += 1) {
      const raw = await staged.raw();
      const bytes = frameOf({ id: 0, call: 'snapshot' });
      raw.socket.write(round % 2 === 0 ? bytes : bytes.subarray(0, 9));
      await soon(2);
      raw.socket.destroy();
    }
    await until(() => asked === 10);
    await soon(80);
    expect(staged.faults).toEqual([]);
    await expectServed(staged);
  });

  it('asks too often is ended', async () => {
    const staged = await stage.listen({ limits: { burst: 5, callsPerSecond: 1 } });
    const raw = await staged.raw();
    for (let id = 0; id < 6; id += 1) raw.send({ id, call: 'recheck', request: {} });
    await raw.ended;
    expect(raw.heard.at(-1)).toMatchObject(closing('busy'));
    expect(staged.faults).toMatchObject([{ code: 'too-many-calls' }]);
  });

  it('asks too much at once gets busy for what is too much', async () => {
    const staged = await stage.listen({
      handlers: () => ({ ...goodHandlers, snapshot: () => new Promise<never>(() => {}) }),
      limits: { callsInFlight: 2, callMs: 150 },
    });
    const client = await staged.client();
    const results = await Promise.all([client.snapshot(), client.snapshot(), client.snapshot()]);
    expect(results.map((result) => result.ok || result.error.code)).toEqual(['internal', 'internal', 'busy']);
    expect(await client.recheck({})).toMatchObject({ ok: true });
  });
});

describe('a reader that does not read', () => {
  const large = { ...verdict, policy: { id: 'x'.repeat(100_000), revision: 1 } };

  it('is dropped once too much waits for it, and the others hear everything', async () => {
    const staged = await stage.listen();
    const reader = await staged.client();
    let heard = 0;
    reader.on('verdictChanged', () => {
      heard += 1;
    });
    const raw = await staged.raw();
    raw.socket.pause();
    for (let count = 0; count < 60; count += 1) {
      staged.api.broadcast('verdictChanged', large);
      await soon(1);
    }
    await until(() => heard === 60);
    expect(staged.faults).toMatchObject([{ code: 'slow-reader' }]);
  });

  it('is dropped once it takes too long', async () => {
    const staged = await stage.listen({ limits: { drainMs: 100 } });
    const raw = await staged.raw();
    raw.socket.pause();
    for (let count = 0; count < 5; count += 1) staged.api.broadcast('verdictChanged', large);
    expect(staged.faults).toEqual([]);
    await until(() => staged.faults.length > 0);
    expect(staged.faults).toMatchObject([{ code: 'slow-reader' }]);
  });

  it('asks and asks without reading, and is dropped', async () => {
    const long = snapshotOf('x'.repeat(500_000));
    const staged = await stage.listen({ handlers: () => ({ ...goodHandlers, snapshot: async () => ({ ok: true, value: long }) }) });
    const raw = await staged.raw();
    raw.socket.pause();
    for (let id = 0; id < 10; id += 1) raw.send({ id, call: 'snapshot' });
    await until(() => staged.faults.length > 0);
    expect(staged.faults).toMatchObject([{ code: 'slow-reader' }]);
  });

  it('with others like it is dropped before they take too much together, the largest first', async () => {
    const staged = await stage.listen({ limits: { totalQueuedBytes: 1_000_000 } });
    const raws = await Promise.all(Array.from({ length: 8 }, () => staged.raw()));
    for (const { socket } of raws) socket.pause();
    const reader = await staged.client();
    for (let count = 0; count < 5; count += 1) {
      staged.api.broadcast('verdictChanged', large);
      await soon(5);
    }
    expect(staged.faults.length).toBeGreaterThan(3);
    expect(await reader.recheck({})).toMatchObject({ ok: true });
  });
});

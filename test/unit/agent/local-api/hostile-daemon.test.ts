import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectLocalApi } from '../../../../agent/local-api/client.ts';
import { MAX_CLIENT_FRAME_BYTES, MAX_DAEMON_FRAME_BYTES } from '../../../../contracts/local-api.ts';
import type { LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import { createFrameDecoder, encodeFrame } from '../../../../contracts/local-link/framing.ts';
import { daemonKeys, frameOf, gate, snapshot } from './staged-api.ts';

let dir: string;
let socketPath: string;
const servers: Server[] = [];
const clients: LocalApiClient[] = [];
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-lies-'));
  socketPath = path.join(dir, 'api.sock');
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  await rm(dir, { recursive: true, force: true });
});

interface Question {
  id: number;
  call: string;
}

const deadlines = { connectMs: 500, helloMs: 300, callMs: 300, keepAliveMs: 10_000 };
const hello = (id: number) => frameOf({ type: 'value', id, value: { signature: 'A'.repeat(86) } });

/** Listens in the daemon's place, and says to each question what `say` gives. */
async function pretend(say: (socket: Socket, question: Question) => void): Promise<void> {
  const server = createServer((socket) => {
    const decoder = createFrameDecoder(MAX_CLIENT_FRAME_BYTES);
    socket.on('error', () => {});
    socket.on('data', (chunk: Uint8Array) => {
      for (const body of decoder.push(chunk).bodies) say(socket, JSON.parse(new TextDecoder().decode(body)));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
}

async function connected(): Promise<LocalApiClient> {
  const client = await connectLocalApi({ path: socketPath, deadlines });
  clients.push(client);
  return client;
}

/** A daemon that is polite at first. */
const afterHello = (say: (socket: Socket, question: Question) => void) =>
  pretend((socket, question) => (question.call === 'hello' ? socket.write(hello(question.id)) : say(socket, question)));

describe('a daemon that', () => {
  const tooLong = new Uint8Array(4);
  new DataView(tooLong.buffer).setUint32(0, MAX_DAEMON_FRAME_BYTES + 1);

  it.each<[string, (id: number) => Uint8Array, string]>([
    ['says no JSON', () => frameOf('{'), 'bad-response'],
    ['says invalid UTF-8', () => encodeFrame(Uint8Array.of(0xff)), 'bad-response'],
    ['says more than a frame', () => tooLong, 'bad-response'],
    ['nests without end', () => frameOf('['.repeat(500_000) + ']'.repeat(500_000)), 'bad-response'],
    ['says what is no message', (id) => frameOf({ id, ok: true }), 'bad-response'],
    ['answers what was never asked', (id) => frameOf({ type: 'value', id: id + 1, value: snapshot }), 'bad-response'],
    ['answers with half a snapshot', (id) => frameOf({ type: 'value', id, value: { ...snapshot, gate: undefined } }), 'bad-response'],
    [
      'answers with a gate that is ajar',
      (id) => frameOf({ type: 'value', id, value: { ...snapshot, gate: { ...gate, state: 'ajar' } } }),
      'bad-response',
    ],
    ['answers with more than the table', (id) => frameOf({ type: 'value', id, value: { ...snapshot, root: true } }), 'bad-response'],
    ['answers with a prototype', (id) => frameOf(`{"type":"value","id":${id},"value":{"__proto__":{}}}`), 'bad-response'],
    ["gives another call's fault", (id) => frameOf({ type: 'fault', id, error: { code: 'too-soon', detail: '' } }), 'bad-response'],
    ['gives a fault nobody knows', (id) => frameOf({ type: 'fault', id, error: { code: 'sorry', detail: '' } }), 'bad-response'],
    ['tells an event nobody knows', () => frameOf({ type: 'event', event: 'toString', payload: {} }), 'bad-response'],
    ['tells a call as an event', () => frameOf({ type: 'event', event: 'snapshot', payload: {} }), 'bad-response'],
    [
      'tells an event that does not parse',
      () => frameOf({ type: 'event', event: 'gateChanged', payload: { state: 'open' } }),
      'bad-response',
    ],
    ['puts it out', () => frameOf({ type: 'closing', error: { code: 'busy', detail: '' } }), 'busy'],
    ['does not understand it', () => frameOf({ type: 'closing', error: { code: 'bad-request', detail: '' } }), 'refused'],
  ])('%s gives a code and ends the connection', async (_name, lie, code) => {
    await afterHello((socket, { id }) => socket.write(lie(id)));
    const client = await connected();
    await expect(client.snapshot()).rejects.toMatchObject({ code });
    expect((await client.closed).code).toBe(code);
  });

  it('says nothing gives a code in time, and may answer the next call', async () => {
    await afterHello((socket, { id, call }) => {
      if (call === 'recheck')
        socket.write(Buffer.concat([frameOf({ type: 'value', id: id - 1, value: snapshot }), frameOf({ type: 'value', id })]));
    });
    const client = await connected();
    await expect(client.snapshot()).rejects.toMatchObject({ code: 'timed-out' });
    expect(await client.recheck({})).toEqual({ ok: true, value: undefined });
  });

  it('goes away gives a code', async () => {
    await afterHello((socket) => socket.destroy());
    await expect((await connected()).snapshot()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('connecting to', () => {
  const attempt = (verify?: boolean) =>
    connectLocalApi({ path: socketPath, deadlines, ...(verify ? { verify: { key: daemonKeys.publicKey, uid: 0 } } : {}) });

  it('nothing: no daemon', async () => {
    await expect(attempt()).rejects.toMatchObject({ code: 'no-daemon' });
  });

  it('a file: no daemon', async () => {
    await writeFile(socketPath, '');
    await expect(attempt()).rejects.toMatchObject({ code: 'no-daemon' });
  });

  it('somebody without the key: not the daemon', async () => {
    await pretend((socket, { id }) => socket.write(hello(id)));
    await expect(attempt(true)).rejects.toMatchObject({ code: 'not-the-daemon' });
  });

  it('somebody of another language: not the daemon', async () => {
    await pretend((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(attempt()).rejects.toMatchObject({ code: 'not-the-daemon' });
  });

  it('somebody who does not answer: timed out', async () => {
    await pretend(() => {});
    await expect(attempt()).rejects.toMatchObject({ code: 'timed-out' });
  });

  it('a daemon without room: busy', async () => {
    await pretend((socket) => socket.end(frameOf({ type: 'closing', error: { code: 'busy', detail: '' } })));
    await expect(attempt(true)).rejects.toMatchObject({ code: 'busy' });
  });
});

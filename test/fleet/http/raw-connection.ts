import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

export interface RawConnection {
  socket: TLSSocket;
  /** All that came so far. */
  heard(): string;
  /** Resolves once the pattern was heard; rejects when the other end closes first, or after `ms`. */
  until(pattern: RegExp, ms?: number): Promise<string>;
  /** Resolves once the other end has closed, with how long that took. */
  closed(): Promise<number>;
}

const LOOK_MS = 5;

/** TLS without an HTTP client on it. */
export async function connectRaw(port: number, options: ConnectionOptions): Promise<RawConnection> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  const since = Date.now();
  let heard = '';
  let closedAfterMs: number | null = null;
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => {
    socket.on('close', () => {
      closedAfterMs = Date.now() - since;
      resolve(closedAfterMs);
    });
  });
  return {
    socket,
    heard: () => heard,
    async until(pattern, ms = 5_000) {
      for (const deadline = Date.now() + ms; !pattern.test(heard); ) {
        if (closedAfterMs !== null || Date.now() > deadline) throw new Error(`not heard: ${pattern}; but: ${heard.slice(0, 500)}`);
        await sleep(LOOK_MS);
      }
      return heard;
    },
    closed: () => closed,
  };
}

export function requestText(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body = ''): string {
  const all = {
    host: 'localhost',
    ...(body && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${body}`;
}

import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import type { LinkDeadlines } from './limits.ts';
import { KEEP_ALIVE_MS, MAX_HEAD_BYTES } from './limits.ts';
import { LinkFailure } from './link-failure.ts';

export interface Question {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  maxBytes: number;
}

export interface RawAnswer {
  status: number;
  retryAfter: string | undefined;
  text: string;
}

/** One connection at a time, opened when it is wanted and again when it is lost. */
export interface FleetConnection {
  /** Questions take their turns. Rejects with a `LinkFailure`, or with an error of Node's. */
  ask(question: Question, signal: AbortSignal): Promise<RawAnswer>;
  /** For somebody who has ended what is under way by its signal: resolves when it is over. */
  close(): Promise<void>;
}

export interface FleetConnectionSettings {
  /** `https://host[:port]` */
  server: string;
  connect: () => Promise<Socket>;
  deadlines: Pick<LinkDeadlines, 'headersMs' | 'bodyMs'>;
}

/** By Node's own client, since one of JavaScript and WebAssembly takes 25 MB of memory more. */
export function openFleetConnection({ server, connect, deadlines }: FleetConnectionSettings): FleetConnection {
  const agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1, timeout: KEEP_ALIVE_MS }), {
    createConnection(_options: unknown, callback: (error: unknown, socket?: Socket) => void): void {
      connect().then((socket) => callback(null, socket), callback);
    },
  });
  let last: Promise<unknown> = Promise.resolve();

  return {
    ask(question, signal) {
      const turn = last.then(() => askOnce(question, signal));
      last = turn.catch(() => {});
      return turn;
    },
    async close() {
      agent.destroy();
      await last;
    },
  };

  async function askOnce({ method, path, body, maxBytes }: Question, signal: AbortSignal): Promise<RawAnswer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { accept: 'application/json', ...(text === undefined ? {} : { 'content-type': 'application/json' }) };
    const options = { agent, method, headers, signal, timeout: deadlines.headersMs, maxHeaderSize: MAX_HEAD_BYTES };
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, server), options, (answer) => {
        answer.setTimeout(deadlines.bodyMs);
        const parts: Buffer[] = [];
        let size = 0;
        answer.on('data', (part: Buffer) => {
          size += part.length;
          if (size > maxBytes) asked.destroy(new LinkFailure('bad-answer', `an answer of more than ${maxBytes} bytes`));
          else parts.push(part);
        });
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            retryAfter: answer.headers['retry-after'],
            text: Buffer.concat(parts).toString('utf8'),
          }),
        );
      });
      asked.on('timeout', () => asked.destroy(new LinkFailure('timed-out', 'timed-out')));
      asked.on('error', reject);
      asked.end(text);
    });
  }
}

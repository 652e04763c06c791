import type { ServerResponse } from 'node:http';

/**
 * How a fleet can answer that is not well; `refuse` is a fault of the device API, and `cut` does what was asked and loses
 * the answer.
 */
export type Misbehaviour =
  | { does: 'refuse'; status: number; code: string; retryAfterSec?: number | undefined }
  /** A status and a text that is no fault of the device API. */
  | { does: 'status'; status: number; retryAfter?: string | undefined }
  | { does: 'garbage' | 'wrong-shape' | 'slow' | 'silent' | 'cut' | 'huge' | 'huge-head' | 'redirect' | 'not-http' };

const SLOW_EVERY_MS = 50;
const HUGE_CHUNK = Buffer.alloc(256 * 1024, 0x20);

export function misbehave(response: ServerResponse, how: Misbehaviour): void {
  const socket = response.socket;
  switch (how.does) {
    case 'refuse':
      response.writeHead(how.status, how.retryAfterSec === undefined ? {} : { 'retry-after': String(how.retryAfterSec) });
      response.end(JSON.stringify({ error: { code: how.code, detail: 'as the test wants it' } }));
      return;
    case 'status':
      response.writeHead(how.status, how.retryAfter === undefined ? {} : { 'retry-after': how.retryAfter });
      response.end('<html>no</html>');
      return;
    case 'garbage':
      response.end('<html>Welcome to the hotel</html>');
      return;
    case 'wrong-shape':
      response.end('{"schema":1,"surprise":true}');
      return;
    case 'slow': {
      response.writeHead(200, { 'content-length': '1000000' });
      const timer = setInterval(() => response.write(' '), SLOW_EVERY_MS);
      response.on('close', () => clearInterval(timer));
      return;
    }
    case 'silent':
      return;
    case 'cut':
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"schema":1,', () => socket?.destroy());
      return;
    case 'huge': {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(HUGE_CHUNK)) {}
      };
      response.on('drain', more);
      more();
      return;
    }
    case 'huge-head':
      response.writeHead(200, { 'x-filler': 'x'.repeat(64 * 1024) });
      response.end('{}');
      return;
    case 'redirect':
      response.writeHead(302, { location: 'https://elsewhere.example.com/' });
      response.end();
      return;
    case 'not-http':
      socket?.end('SSH-2.0-OpenSSH_9.2\r\n');
  }
}

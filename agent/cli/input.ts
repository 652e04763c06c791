import type { Readable } from 'node:stream';

/** Longer than somebody needs to be told a code over the telephone and to type it. */
const INPUT_WAIT_MS = 5 * 60_000;

export type LineRead = { ok: true; line: string } | { ok: false; why: 'empty' | 'too-long' | 'timed-out' | 'stopped' | 'unreadable' };

/** Where text comes from. */
export interface Input {
  /** Somebody types. */
  readonly isTerminal: boolean;
  /** The first line, without what stands around it; what follows is not read. */
  readLine(maxChars: number, signal: AbortSignal): Promise<LineRead>;
}

/** `open` is called at the first read: a program that reads nothing does not touch its standard input. */
export function streamInput(isTerminal: boolean, open: () => Readable): Input {
  return { isTerminal, readLine: (maxChars, signal) => readFirstLine(open(), maxChars, signal) };
}

export function readFirstLine(stream: Readable, maxChars: number, signal: AbortSignal, waitMs = INPUT_WAIT_MS): Promise<LineRead> {
  return new Promise((resolve) => {
    let text = '';
    const settle = (read: LineRead) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stream.removeAllListeners();
      // One that fails while it is closed has nobody to tell.
      stream.on('error', () => {});
      stream.destroy();
      resolve(read);
    };
    const take = () => {
      const line = text.trim();
      settle(line === '' ? { ok: false, why: 'empty' } : { ok: true, line });
    };
    const onAbort = () => settle({ ok: false, why: 'stopped' });
    const timer = setTimeout(() => settle({ ok: false, why: 'timed-out' }), waitMs);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    stream.on('error', () => settle({ ok: false, why: 'unreadable' }));
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) text = text.slice(0, end);
      if (text.length > maxChars) return settle({ ok: false, why: 'too-long' });
      if (end >= 0) take();
    });
    stream.on('end', take);
  });
}

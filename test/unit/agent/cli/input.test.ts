import { PassThrough, Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readFirstLine } from '../../../../agent/cli/input.ts';

const never = new AbortController().signal;
const read = (...chunks: string[]) => readFirstLine(Readable.from(chunks), 10, never);

it.each([
  [['one\ntwo'], 'one'],
  [['o', 'ne', '\n'], 'one'],
  [['one'], 'one'],
  [[' one \r\n'], 'one'],
  [['0123456789\nmuch more than ten'], '0123456789'],
])('%j: %s', async (chunks, line) => expect(await read(...chunks)).toEqual({ ok: true, line }));

it.each([
  [[], 'empty'],
  [['\nsecond'], 'empty'],
  [['01234567890'], 'too-long'],
  [['01234567890\n'], 'too-long'],
])('%j: %s', async (chunks, why) => expect(await read(...chunks)).toEqual({ ok: false, why }));

it('ends when nothing comes, when it is stopped, and when the stream fails, and reads no more', async () => {
  const silent = new PassThrough();
  expect(await readFirstLine(silent, 10, never, 20)).toEqual({ ok: false, why: 'timed-out' });
  expect(silent.destroyed).toBe(true);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 10);
  expect(await readFirstLine(new PassThrough(), 10, stop.signal)).toEqual({ ok: false, why: 'stopped' });
  const broken = new PassThrough();
  setTimeout(() => broken.destroy(new Error('EIO')), 10);
  expect(await readFirstLine(broken, 10, never)).toEqual({ ok: false, why: 'unreadable' });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HEADER_BYTES } from '../../../../contracts/local-link/framing.ts';
import { readMessage, writeMessage } from '../../../../contracts/local-link/message.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => bytes(`${'['.repeat(depth)}${']'.repeat(depth)}`);

it.each([
  ['nothing', bytes(''), 'neither UTF-8 nor JSON'],
  ['no JSON', bytes('{"id":'), 'neither UTF-8 nor JSON'],
  ['invalid UTF-8', Uint8Array.of(0x22, 0xc3, 0x28, 0x22), 'neither UTF-8 nor JSON'],
  ['a surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'neither UTF-8 nor JSON'],
  ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 'neither UTF-8 nor JSON'],
  ['arrays as deep as a frame is long', nested(32_000), 'nested deeper than 64'],
  ['objects as deep as a frame is long', bytes(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`), 'nested deeper than 64'],
  ['a number that is none', bytes('{"at":1e999}'), 'a number that is not finite'],
  ['a prototype', bytes('{"a":[{"__proto__":{"isAdmin":true}}]}'), 'a key "__proto__"'],
])('refuses %s', (_name, body, detail) => {
  expect(readMessage(body)).toEqual({ ok: false, detail });
});

it('is total over any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (body) => typeof readMessage(body).ok === 'boolean'));
});

it('reads what was written', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('"__proto__":'));
      const frame = writeMessage({ value }, 1_000_000);
      expect(readMessage((frame ?? new Uint8Array()).subarray(HEADER_BYTES))).toEqual({ ok: true, value: JSON.parse(`{"value":${text}}`) });
    }),
  );
});

it.each([
  ['as large as the bound', { a: 'é'.repeat(46) }, 100],
  ['larger', { a: 'é'.repeat(47) }, null],
  ['no JSON', { a: 1n }, null],
])('writes a message that is %s', (_name, message, length) => {
  expect(writeMessage(message, 100)?.length ?? null).toBe(length === null ? null : length + HEADER_BYTES);
});

it('does not follow a cycle', () => {
  const cycle: { self?: object } = {};
  cycle.self = cycle;
  expect(writeMessage(cycle, 100)).toBeNull();
});

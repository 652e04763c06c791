import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFrameDecoder, EMPTY_FRAME, encodeFrame, HEADER_BYTES } from '../../../../contracts/local-link/framing.ts';

const MAX = 300;

/** Cuts bytes at the places given, in any order and number. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const frames = fc.array(fc.uint8Array({ maxLength: MAX }), { maxLength: 12 });
const places = fc.array(fc.nat(), { maxLength: 40 });

it('decodes any frames, cut in any way, to the same frames', () => {
  fc.assert(
    fc.property(frames, places, (bodies, cuts) => {
      const decoder = createFrameDecoder(MAX);
      const decoded = cut(Buffer.concat(bodies.map(encodeFrame)), cuts).map((chunk) => decoder.push(chunk));
      expect(decoded.flatMap((step) => step.bodies.map((body) => [...body]))).toEqual(bodies.map((body) => [...body]));
      expect(decoded.every((step) => step.fault === null)).toBe(true);
      expect(decoder.heldBytes()).toBe(0);
    }),
  );
});

it('is total over any bytes, keeps no more than header and bound, and is silent after a fault', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 20 }), (chunks) => {
      const decoder = createFrameDecoder(MAX);
      let hasFailed = false;
      for (const chunk of chunks) {
        const { bodies, fault } = decoder.push(chunk);
        expect(bodies.every((body) => body.length <= MAX)).toBe(true);
        if (hasFailed) expect(bodies).toEqual([]);
        hasFailed ||= fault !== null;
        expect(fault !== null).toBe(hasFailed);
        expect(decoder.heldBytes()).toBeLessThanOrEqual(HEADER_BYTES + MAX);
      }
    }),
  );
});

it.each([
  ['the bound', MAX, null],
  ['one more', MAX + 1, { code: 'frame-too-large', detail: `a frame of ${MAX + 1} bytes, at most ${MAX}` }],
  ['100 MB', 100 * 1024 * 1024, { code: 'frame-too-large', detail: `a frame of 104857600 bytes, at most ${MAX}` }],
  ['the largest length', 0xffff_ffff, { code: 'frame-too-large', detail: `a frame of 4294967295 bytes, at most ${MAX}` }],
])('judges a frame of %s by its header alone', (_name, length, fault) => {
  const header = new Uint8Array(HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, length);
  expect(createFrameDecoder(MAX).push(header)).toEqual({ bodies: [], fault });
});

it('gives what was whole before the fault', () => {
  const bytes = Buffer.concat([encodeFrame(Uint8Array.of(1)), EMPTY_FRAME, Uint8Array.of(255, 255, 255, 255, 9)]);
  const { bodies, fault } = createFrameDecoder(MAX).push(bytes);
  expect(bodies).toEqual([Uint8Array.of(1), new Uint8Array(0)]);
  expect(fault).toMatchObject({ code: 'frame-too-large' });
});

it('keeps nothing of the chunk it was given', () => {
  const chunk = Buffer.from(encodeFrame(Uint8Array.of(1, 2)));
  const { bodies } = createFrameDecoder(MAX).push(chunk);
  chunk.fill(0);
  expect(bodies).toEqual([Uint8Array.of(1, 2)]);
});

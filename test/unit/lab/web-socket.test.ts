import { expect, it } from 'vitest';
import { readFrame } from '../../lab/web-socket.ts';

const maskedClose = Buffer.from([0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2]);

it('reads a masked frame and leaves what follows', () => {
  const frame = readFrame(Buffer.concat([maskedClose, Buffer.from([0x89, 0])]));
  expect(frame).toEqual({ opcode: 8, payload: Buffer.from([0x03, 0xe8]), rest: Buffer.from([0x89, 0]) });
});

it('waits for the rest of a frame', () => {
  for (let length = 0; length < maskedClose.length; length++) expect(readFrame(maskedClose.subarray(0, length))).toBeNull();
});

it('reads a length of two bytes', () => {
  const long = Buffer.concat([Buffer.from([0x82, 126, 0x01, 0x00]), Buffer.alloc(256, 7)]);
  expect(readFrame(long)?.payload.length).toBe(256);
});

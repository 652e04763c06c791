import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ENVELOPE_BYTES, keyIdOf, openEnvelope, SealBroken, sealEnvelope } from '../../../fleet/crypto/envelope.ts';
import { instanceArn, unambiguous } from '../../../fleet/crypto/place.ts';

const key = { id: randomUUID(), plain: randomBytes(32) };
const arn = instanceArn({ tenant: randomUUID(), instance: randomUUID() }, 'eu-central-1');
const place = { table: 'device', row: '17', field: 'host_name' };

it('opens what it sealed, whatever it was and wherever it stands', () => {
  const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), anyText, anyText, anyText, (plain, table, row, field) => {
      const at = { table, row, field };
      const sealed = sealEnvelope(key, arn, at, plain);
      expect([sealed.length, keyIdOf(at, sealed)]).toEqual([plain.length + ENVELOPE_BYTES, key.id]);
      expect(openEnvelope(key.plain, arn, at, sealed).equals(plain)).toBe(true);
    }),
  );
});

it('seals a text as UTF-8, and the same one differently each time', () => {
  const [one, two] = [sealEnvelope(key, arn, place, 'Büro-7'), sealEnvelope(key, arn, place, 'Büro-7')];
  expect(one.equals(two)).toBe(false);
  expect(openEnvelope(key.plain, arn, place, one).toString()).toBe('Büro-7');
});

const moves = [
  ['another instance', instanceArn({ tenant: randomUUID(), instance: randomUUID() }, 'eu-central-1'), place],
  ['another table', arn, { ...place, table: 'account' }],
  ['another row', arn, { ...place, row: '18' }],
  ['another field', arn, { ...place, field: 'name' }],
  ['a place of the same letters', arn, { table: 'devic', row: 'e17', field: 'host_name' }],
] as const;

it.each(moves)('S3-02 does not open in %s', (_, otherArn, otherPlace) => {
  const sealed = sealEnvelope(key, arn, place, 'desk-0001');
  expect(() => openEnvelope(key.plain, otherArn, otherPlace, sealed)).toThrow(SealBroken);
});

it('does not open with any byte altered, cut off or added, or under another key', () => {
  const sealed = sealEnvelope(key, arn, place, 'desk-0001');
  const open = (bytes: Uint8Array, under = key.plain) => {
    if (keyIdOf(place, bytes) !== key.id) throw new SealBroken(place, 'another key');
    return openEnvelope(under, arn, place, bytes);
  };
  for (let at = 0; at < sealed.length; at++) {
    const altered = Buffer.from(sealed);
    altered.writeUInt8((sealed[at] ?? 0) ^ 1, at);
    expect(() => open(altered), `byte ${at}`).toThrow(SealBroken);
  }
  for (const length of [0, 1, ENVELOPE_BYTES - 1, sealed.length - 1]) expect(() => open(sealed.subarray(0, length))).toThrow(SealBroken);
  expect(() => open(Buffer.concat([sealed, Buffer.of(0)]))).toThrow(SealBroken);
  expect(() => open(sealed, randomBytes(32))).toThrow(SealBroken);
});

it('says where, and nothing of the value', () => {
  const sealed = sealEnvelope(key, arn, place, 'marker-value');
  expect(() => openEnvelope(randomBytes(32), arn, place, sealed)).toThrow('device.host_name: was not sealed for this place under this key');
});

it('gives no two lists of parts the same bytes', () => {
  const parts = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (one, two) => {
      const isSame = JSON.stringify(one) === JSON.stringify(two);
      expect(unambiguous(one).equals(unambiguous(two))).toBe(isSame);
    }),
  );
});

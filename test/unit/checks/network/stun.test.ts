import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAllocate, encodeBinding, parseStun, StunMethod, transactionKey } from '../../../../checks/network/stun.ts';

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const id = hex('00112233445566778899aabb');

// RFC 5769 sections 2.1 to 2.4.
const request =
  '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf';
const responseV4 =
  '0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96';
const responseV6 =
  '010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c';

function parsed(bytes: Uint8Array) {
  const result = parseStun(bytes);
  if (!result.ok) throw new Error(result.fault);
  return result.message;
}

describe('RFC 5769 test vectors', () => {
  it('reads the sample request of section 2.1', () => {
    expect(parsed(hex(request))).toMatchObject({
      method: StunMethod.binding,
      kind: 'request',
      transactionId: 'b7e7a701bc34d686fa87dfae',
      software: 'STUN test client',
      fingerprintOk: true,
    });
  });
  it('reads the IPv4 response of section 2.2', () => {
    expect(parsed(hex(responseV4))).toEqual({
      method: StunMethod.binding,
      kind: 'success',
      transactionId: 'b7e7a701bc34d686fa87dfae',
      mapped: null,
      xorMapped: { host: '192.0.2.1', port: 32853 },
      error: null,
      realm: null,
      hasNonce: false,
      software: 'test vector',
      fingerprintOk: true,
    });
  });
  it('reads the IPv6 response of section 2.3', () => {
    expect(parsed(hex(responseV6)).xorMapped).toEqual({ host: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 });
  });
  it('sees a fingerprint that does not fit', () => {
    expect(parsed(hex(responseV4.replace(/c07d4c96$/, 'c07d4c97'))).fingerprintOk).toBe(false);
  });
});

describe('requests', () => {
  it('encodes a Binding', () => {
    expect(encodeBinding(id)).toEqual(hex('000100002112a44200112233445566778899aabb'));
  });
  it('encodes an Allocate for UDP', () => {
    expect(encodeAllocate(id)).toEqual(hex('000300082112a44200112233445566778899aabb0019000411000000'));
  });
  it('pads a Binding to the asked length', () => {
    const bytes = encodeBinding(id, 160);
    expect([bytes.length, parsed(bytes).method]).toEqual([160, StunMethod.binding]);
  });
});

it("reads coturn's answer to an Allocate without credentials", () => {
  const bytes = hex(
    '011300282112a44200112233445566778899aabb00090010000004 01556e617574686f72697a6564'.replace(/ /g, '') +
      '0015000461626364' +
      '001400086c61622e74657374',
  );
  expect(parsed(bytes)).toMatchObject({
    method: StunMethod.allocate,
    kind: 'error',
    error: { code: 401, phrase: 'Unauthorized' },
    realm: 'lab.test',
    hasNonce: true,
  });
});

it.each([
  ['nothing', '', 'not-stun'],
  ['RTP', '8000'.padEnd(40, '0'), 'not-stun'],
  ['half a header', '0101000021', 'truncated'],
  ['less than its length says', responseV4.slice(0, -8), 'truncated'],
  ['more than its length says', `${responseV4}00000000`, 'malformed'],
  ['a wrong cookie', responseV4.replace('2112a442', 'deadbeef'), 'wrong-cookie'],
  ['an attribute beyond the end', '010100042112a44200112233445566778899aabb00200008', 'malformed'],
  ['a length that is not a multiple of four', '010100032112a44200112233445566778899aabb000000', 'malformed'],
  ['an address of no family', '0101000c2112a44200112233445566778899aabb0020000800070000e112a643', 'malformed'],
])('refuses %s', (_name, text, fault) => {
  expect(parseStun(hex(text))).toEqual({ ok: false, fault });
});

it('is total over any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => typeof parseStun(bytes).ok === 'boolean'));
});

it('is total over damaged messages', () => {
  const whole = hex(responseV4);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, cut) => {
      const damaged = whole.slice();
      damaged[at] = byte;
      return typeof parseStun(damaged.subarray(0, cut)).ok === 'boolean';
    }),
  );
});

it('round-trips the transaction id', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (txid) => {
      return parsed(encodeAllocate(txid)).transactionId === transactionKey(txid);
    }),
  );
});

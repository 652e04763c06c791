/**
 * STUN messages (RFC 8489) and the TURN Allocate exchange (RFC 8656), as far as a probe without credentials needs them.
 * All integers are big-endian; lengths are in bytes.
 */

const MAGIC_COOKIE = 0x2112_a442;
const HEADER_LENGTH = 20;
/** XORed onto the CRC-32 in FINGERPRINT (RFC 8489 section 14.7). */
const FINGERPRINT_XOR = 0x5354_554e;

export const StunMethod = { binding: 0x001, allocate: 0x003 } as const;
export type StunMethod = (typeof StunMethod)[keyof typeof StunMethod];

const Attribute = {
  mappedAddress: 0x0001,
  errorCode: 0x0009,
  realm: 0x0014,
  nonce: 0x0015,
  requestedTransport: 0x0019,
  xorMappedAddress: 0x0020,
  padding: 0x0026,
  software: 0x8022,
  fingerprint: 0x8028,
} as const;

/** IANA protocol number of UDP, the only transport that Connect's TURN hosts offer. */
const UDP = 17;

export interface TransportAddress {
  host: string;
  port: number;
}

export interface StunMessage {
  method: number;
  kind: 'request' | 'indication' | 'success' | 'error';
  transactionId: string;
  mapped: TransportAddress | null;
  xorMapped: TransportAddress | null;
  error: { code: number; phrase: string } | null;
  realm: string | null;
  hasNonce: boolean;
  software: string | null;
  /** Null when the message carries none. */
  fingerprintOk: boolean | null;
}

export type StunParse = { ok: true; message: StunMessage } | { ok: false; fault: 'not-stun' | 'truncated' | 'wrong-cookie' | 'malformed' };

/** A Binding request. `padTo` makes the datagram that long (RFC 5780 PADDING), so that a train weighs what voice weighs. */
export function encodeBinding(transactionId: Uint8Array, padTo = 0): Uint8Array {
  const padding = Math.max(0, padTo - HEADER_LENGTH - 4);
  return encode(StunMethod.binding, transactionId, padTo > 0 ? [[Attribute.padding, new Uint8Array(padding - (padding % 4))]] : []);
}

/** An Allocate request without credentials, which a TURN server answers with 401 (RFC 8656 section 7.2). */
export function encodeAllocate(transactionId: Uint8Array): Uint8Array {
  return encode(StunMethod.allocate, transactionId, [[Attribute.requestedTransport, Uint8Array.of(UDP, 0, 0, 0)]]);
}

function encode(method: number, transactionId: Uint8Array, attributes: readonly [type: number, value: Uint8Array][]): Uint8Array {
  const length = attributes.reduce((sum, [, value]) => sum + 4 + padded(value.length), 0);
  const bytes = new Uint8Array(HEADER_LENGTH + length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, method);
  view.setUint16(2, length);
  view.setUint32(4, MAGIC_COOKIE);
  bytes.set(transactionId.subarray(0, 12), 8);
  let at = HEADER_LENGTH;
  for (const [type, value] of attributes) {
    view.setUint16(at, type);
    view.setUint16(at + 2, value.length);
    bytes.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  return bytes;
}

const padded = (length: number) => (length + 3) & ~3;

/** Lower-case hex, the form in which transaction ids are compared. */
export function transactionKey(transactionId: Uint8Array): string {
  return Array.from(transactionId.subarray(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function isAnswer({ kind }: StunMessage): boolean {
  return kind === 'success' || kind === 'error';
}

/** Total: any bytes give a message or a fault. */
export function parseStun(bytes: Uint8Array): StunParse {
  if (bytes.length < HEADER_LENGTH) return { ok: false, fault: bytes.length > 0 && (bytes[0] as number) < 64 ? 'truncated' : 'not-stun' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(0);
  const length = view.getUint16(2);
  if (type & 0xc000) return { ok: false, fault: 'not-stun' };
  if (view.getUint32(4) !== MAGIC_COOKIE) return { ok: false, fault: 'wrong-cookie' };
  if (length % 4 !== 0 || bytes.length > HEADER_LENGTH + length) return { ok: false, fault: 'malformed' };
  if (bytes.length < HEADER_LENGTH + length) return { ok: false, fault: 'truncated' };

  const transactionId = bytes.subarray(8, 20);
  const message: StunMessage = {
    method: (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2),
    kind: (['request', 'indication', 'success', 'error'] as const)[((type & 0x0010) >> 4) | ((type & 0x0100) >> 7)] ?? 'request',
    transactionId: transactionKey(transactionId),
    mapped: null,
    xorMapped: null,
    error: null,
    realm: null,
    hasNonce: false,
    software: null,
    fingerprintOk: null,
  };
  for (let at = HEADER_LENGTH; at < bytes.length; ) {
    if (at + 4 > bytes.length) return { ok: false, fault: 'malformed' };
    const attribute = view.getUint16(at);
    const size = view.getUint16(at + 2);
    const value = bytes.subarray(at + 4, at + 4 + size);
    if (value.length < size || at + 4 + padded(size) > bytes.length) return { ok: false, fault: 'malformed' };
    if (!readAttribute(message, attribute, value, transactionId, bytes, at)) return { ok: false, fault: 'malformed' };
    at += 4 + padded(size);
  }
  return { ok: true, message };
}

/** The first occurrence of an attribute counts (RFC 8489 section 14). False when its value does not fit its type. */
function readAttribute(
  message: StunMessage,
  attribute: number,
  value: Uint8Array,
  transactionId: Uint8Array,
  bytes: Uint8Array,
  at: number,
): boolean {
  switch (attribute) {
    case Attribute.mappedAddress:
      message.mapped ??= readAddress(value, null);
      return message.mapped !== null;
    case Attribute.xorMappedAddress:
      message.xorMapped ??= readAddress(value, transactionId);
      return message.xorMapped !== null;
    case Attribute.errorCode:
      if (value.length < 4) return false;
      message.error ??= { code: ((value[2] as number) & 7) * 100 + (value[3] as number), phrase: text(value.subarray(4)) };
      return true;
    case Attribute.realm:
      message.realm ??= text(value);
      return true;
    case Attribute.nonce:
      message.hasNonce = true;
      return true;
    case Attribute.software:
      message.software ??= text(value);
      return true;
    case Attribute.fingerprint: {
      if (value.length !== 4) return false;
      const stated = new DataView(value.buffer, value.byteOffset, 4).getUint32(0);
      message.fingerprintOk ??= stated === (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0;
      return true;
    }
    default:
      return true;
  }
}

/** MAPPED-ADDRESS, or XOR-MAPPED-ADDRESS when the transaction id is given (RFC 8489 sections 14.1 and 14.2). */
function readAddress(value: Uint8Array, transactionId: Uint8Array | null): TransportAddress | null {
  const family = value[1];
  const size = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (size === 0 || value.length < 4 + size) return null;
  const key = new Uint8Array(16);
  if (transactionId) {
    new DataView(key.buffer).setUint32(0, MAGIC_COOKIE);
    key.set(transactionId, 4);
  }
  const port = (((value[2] as number) ^ (key[0] as number)) << 8) | ((value[3] as number) ^ (key[1] as number));
  const address = Array.from(value.subarray(4, 4 + size), (byte, i) => byte ^ (key[i] as number));
  if (family === 1) return { host: address.join('.'), port };
  const groups = Array.from({ length: 8 }, (_, i) => (((address[2 * i] as number) << 8) | (address[2 * i + 1] as number)).toString(16));
  return { host: groups.join(':'), port };
}

/** Servers pad phrases and names with NULs; only printable ASCII is kept, at most 100 characters. */
function text(value: Uint8Array): string {
  let out = '';
  for (const byte of value.subarray(0, 100)) if (byte >= 0x20 && byte < 0x7f) out += String.fromCharCode(byte);
  return out.trim();
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb8_8320 : c >>> 1;
  return c >>> 0;
});

/** CRC-32 of ITU-T V.42, as FINGERPRINT uses it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffff_ffff) >>> 0;
}

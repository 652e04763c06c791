import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Place, unambiguous } from './place.ts';

// A sealed value: version (1 byte) | id of the data key (16) | nonce (12) | ciphertext | tag (16).

const VERSION = 1;
const ID_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + ID_BYTES + NONCE_BYTES;
export const KEY_BYTES = 32;
/** What sealing adds to a value. */
export const ENVELOPE_BYTES = HEAD_BYTES + TAG_BYTES;

/** What was read is no value that was sealed for this place under this key: moved, altered or cut off. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
  readonly code = 'decrypt-auth-failed';
  readonly place: Place;

  constructor(place: Place, because: string) {
    super(`${place.table}.${place.field}: ${because}`);
    this.place = place;
  }
}

export interface SealingKey {
  id: string;
  plain: Uint8Array;
}

export function sealEnvelope(key: SealingKey, arn: string, place: Place, plain: string | Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.plain, nonce).setAAD(boundTo(arn, place));
  const body = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  return Buffer.concat([Buffer.of(VERSION), idBytes(key.id), nonce, body, cipher.final(), cipher.getAuthTag()]);
}

/** Id of the data key; throws `SealBroken` where this is no envelope. */
export function keyIdOf(place: Place, sealed: Uint8Array): string {
  if (sealed.length < ENVELOPE_BYTES) throw new SealBroken(place, 'too short for a sealed value');
  if (sealed[0] !== VERSION) throw new SealBroken(place, `sealed in version ${sealed[0]}, of which this server knows ${VERSION}`);
  const hex = Buffer.from(sealed.subarray(1, 1 + ID_BYTES)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function openEnvelope(key: Uint8Array, arn: string, place: Place, sealed: Uint8Array): Buffer {
  const body = sealed.subarray(HEAD_BYTES, sealed.length - TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1 + ID_BYTES, HEAD_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(boundTo(arn, place))
    .setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    throw new SealBroken(place, 'was not sealed for this place under this key');
  }
}

function boundTo(arn: string, { table, row, field }: Place): Buffer {
  return unambiguous([arn, table, row, field, String(VERSION)]);
}

function idBytes(id: string): Buffer {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
  if (bytes.length !== ID_BYTES) throw new TypeError('the id of a data key is no UUID');
  return bytes;
}

import { jsonFlaw } from '../local-api.ts';
import { encodeFrame } from './framing.ts';

export type Read = { ok: true; value: unknown } | { ok: false; detail: string };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A frame's body as plain JSON; whether it is a message of ours, the table says. */
export function readMessage(body: Uint8Array): Read {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch {
    return { ok: false, detail: 'neither UTF-8 nor JSON' };
  }
  const flaw = jsonFlaw(value);
  return flaw === null ? { ok: true, value } : { ok: false, detail: flaw };
}

/** The frame of a message; null when it is no JSON or larger than the receiver takes. */
export function writeMessage(message: object, maxBytes: number): Uint8Array | null {
  let text: string;
  try {
    text = JSON.stringify(message);
  } catch {
    return null;
  }
  const body = encoder.encode(text);
  return body.length > maxBytes ? null : encodeFrame(body);
}

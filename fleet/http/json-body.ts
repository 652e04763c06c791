import type { FastifyInstance } from 'fastify';
import { FleetFault } from './fault.ts';

/** The deepest document of ours, a policy's rule, has about ten levels. What is nested deeper is meant to harm. */
const MOST_DEPTH = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true });
const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [...Buffer.from('"\\{}[]')];

/** JSON in UTF-8 alone, of bounded depth, without keys that change a prototype. */
export function parseJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
      if (charset && charset.toLowerCase() !== 'utf-8') throw new FleetFault('unsupported-type', 'expected JSON in UTF-8');
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function parseJson(bytes: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new FleetFault('bad-request', 'the body is not UTF-8');
  }
  if (depthOf(bytes) > MOST_DEPTH) throw new FleetFault('bad-request', `the body is nested deeper than ${MOST_DEPTH} levels`);
  try {
    return mayNamePrototype(text) ? JSON.parse(text, refusePrototypes) : JSON.parse(text);
  } catch (error) {
    if (error instanceof FleetFault) throw error;
    throw new FleetFault('bad-request', 'the body is not JSON');
  }
}

/** Bytes above 127 are parts of characters in strings, and none of these. */
function depthOf(bytes: Buffer): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at + 1);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return deepest;
}

function endOfString(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Looking at every key takes four times as long as parsing. An escape may write the name in other letters. */
function mayNamePrototype(text: string): boolean {
  return text.includes('__proto__') || text.includes('\\u');
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new FleetFault('bad-request', 'the body has a key "__proto__"');
  return value;
}

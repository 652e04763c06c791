import type { FastifyInstance } from 'fastify';
import { FleetFault } from './fault.ts';

/** The deepest document of ours, a policy's rule, has about ten levels. What is nested deeper is meant to harm. */
const MOST_DEPTH = 64;
const OPENS = new Set(['{', '[']);
const CLOSES = new Set(['}', ']']);

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
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FleetFault('bad-request', 'the body is not UTF-8');
  }
  if (depthOf(text) > MOST_DEPTH) throw new FleetFault('bad-request', `the body is nested deeper than ${MOST_DEPTH} levels`);
  try {
    return JSON.parse(text, refusePrototypes);
  } catch (error) {
    if (error instanceof FleetFault) throw error;
    throw new FleetFault('bad-request', 'the body is not JSON');
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (OPENS.has(char)) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (CLOSES.has(char)) depth -= 1;
  }
  return deepest;
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new FleetFault('bad-request', 'the body has a key "__proto__"');
  return value;
}

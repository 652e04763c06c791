import type { Client } from 'undici';
import type { z } from 'zod';
import { DeviceFault } from '../../contracts/fleet-api.ts';
import { parseUnknown } from '../../contracts/parse.ts';
import { bounded } from '../host/bounded.ts';
import { MAX_RETRY_AFTER_MS } from './limits.ts';
import { type Answer, fault, faultOf, LinkFailure } from './link-failure.ts';

export interface Wanted<S extends z.ZodType> {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  schema: S;
  maxBytes: number;
}

interface RawAnswer {
  status: number;
  retryAfter: string | undefined;
  text: string;
}

/** One question to the fleet and its answer, parsed; it ends by its deadline whatever the other end does. */
export async function exchange<S extends z.ZodType>(
  client: Pick<Client, 'request'>,
  wanted: Wanted<S>,
  limit: { totalMs: number; signal: AbortSignal; wallMs: () => number },
): Promise<Answer<z.output<S>>> {
  const ended = await bounded<RawAnswer>({ ms: limit.totalMs, signal: limit.signal }, (settle, fail) => {
    const abort = new AbortController();
    ask(client, wanted, abort.signal).then(settle, fail);
    return (succeeded) => {
      if (!succeeded) abort.abort();
    };
  });
  if (!ended.ok) return { ok: false, fault: faultOf(ended.error) };
  const { status, text, retryAfter } = ended.value;
  const raw = parseJson(text);
  if (status < 200 || status > 299) return refused(status, raw, retryAfterMs(retryAfter, limit.wallMs()));
  if (raw === undefined) return fault('bad-answer', `HTTP ${status}, and no JSON`);
  const parsed = parseUnknown(wanted.schema, raw);
  if (parsed.ok) return { ok: true, value: parsed.value };
  const [problem] = parsed.problems;
  return fault('bad-answer', `${problem?.path.join('.') ?? ''}: ${problem?.message ?? ''}`);
}

async function ask(client: Pick<Client, 'request'>, wanted: Wanted<z.ZodType>, signal: AbortSignal): Promise<RawAnswer> {
  const { statusCode, headers, body } = await client.request({
    method: wanted.method,
    path: wanted.path,
    headers: { accept: 'application/json', ...(wanted.body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(wanted.body === undefined ? {} : { body: JSON.stringify(wanted.body) }),
    signal,
  });
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    // Leaving the loop destroys the body, and the connection with it.
    if (size > wanted.maxBytes) throw new LinkFailure('bad-answer', `an answer of more than ${wanted.maxBytes} bytes`);
    parts.push(part);
  }
  const [retryAfter] = [headers['retry-after']].flat();
  return { status: statusCode, retryAfter, text: Buffer.concat(parts).toString('utf8') };
}

function refused(status: number, raw: unknown, afterMs: number | undefined): Answer<never> {
  const named = DeviceFault.safeParse(raw);
  if (named.success) return fault(named.data.error.code, named.data.error.detail, afterMs);
  const said = `HTTP ${status}`;
  if (status === 429) return fault('slow-down', said, afterMs);
  if (status === 502 || status === 503 || status === 504) return fault('unavailable', said, afterMs);
  return fault('bad-answer', status >= 300 && status <= 399 ? `${said}: the fleet sends nobody elsewhere` : said, afterMs);
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterMs(value: string | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - wallMs;
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

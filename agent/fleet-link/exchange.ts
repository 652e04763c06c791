import type { z } from 'zod';
import { DeviceFault } from '../../contracts/fleet-api.ts';
import { parseUnknown } from '../../contracts/parse.ts';
import { bounded } from '../host/bounded.ts';
import type { FleetConnection, Question, RawAnswer } from './fleet-connection.ts';
import { MAX_RETRY_AFTER_MS } from './limits.ts';
import { type Answer, fault, faultOf } from './link-failure.ts';

export interface Wanted<S extends z.ZodType> extends Question {
  schema: S;
}

/** One question to the fleet and its answer, parsed; it ends by its deadline whatever the other end does. */
export async function exchange<S extends z.ZodType>(
  connection: Pick<FleetConnection, 'ask'>,
  wanted: Wanted<S>,
  limit: { totalMs: number; signal: AbortSignal; wallMs: () => number },
): Promise<Answer<z.output<S>>> {
  const ended = await bounded<RawAnswer>({ ms: limit.totalMs, signal: limit.signal }, (settle, fail) => {
    const abort = new AbortController();
    connection.ask(wanted, abort.signal).then(settle, fail);
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

import { z } from 'zod';
import type { Fault, FaultCode } from './fault.ts';

/** Faults that any call may give. */
type Always = 'bad-request' | 'internal';

export type Result<T, C extends FaultCode> = { ok: true; value: T } | { ok: false; error: Fault & { code: C | Always } };

interface Call<Q extends z.ZodType, S extends z.ZodType, C extends FaultCode> {
  kind: 'call';
  request: Q;
  response: S;
  errors: readonly C[];
}

interface Event<E extends z.ZodType> {
  kind: 'event';
  payload: E;
}

/** A boundary is one table of calls and events; both sides are typed by it, and whoever receives parses. */
export type Table = Record<string, Call<z.ZodType, z.ZodType, FaultCode> | Event<z.ZodType>>;

export function call<Q extends z.ZodType, S extends z.ZodType, const C extends FaultCode>(
  request: Q,
  response: S,
  errors: readonly C[],
): Call<Q, S, C> {
  return { kind: 'call', request, response, errors };
}

export function event<E extends z.ZodType>(payload: E): Event<E> {
  return { kind: 'event', payload };
}

type CallKeys<T extends Table> = { [K in keyof T]: T[K] extends { kind: 'call' } ? K : never }[keyof T];
type EventKeys<T extends Table> = { [K in keyof T]: T[K] extends { kind: 'event' } ? K : never }[keyof T];

export type Client<T extends Table> = {
  [K in CallKeys<T>]: T[K] extends Call<infer Q, infer S, infer C> ? (request: z.input<Q>) => Promise<Result<z.output<S>, C>> : never;
} & {
  on<K extends EventKeys<T>>(name: K, listener: (payload: T[K] extends Event<infer E> ? z.output<E> : never) => void): () => void;
};

export type Handlers<T extends Table> = {
  [K in CallKeys<T>]: T[K] extends Call<infer Q, infer S, infer C> ? (request: z.output<Q>) => Promise<Result<z.input<S>, C>> : never;
};

/** A stranger's bytes never reach a handler unparsed, and what a handler throws never reaches the stranger. */
export async function answer<T extends Table>(
  table: T,
  handlers: Handlers<T>,
  name: string,
  raw: unknown,
): Promise<Result<unknown, FaultCode>> {
  // `__proto__` is a name like any other to a stranger.
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry?.kind !== 'call') return fault('bad-request', `no call "${name.slice(0, 100)}"`);
  const request = entry.request.safeParse(raw);
  if (!request.success) return fault('bad-request', z.prettifyError(request.error).slice(0, 500));
  const handler = (handlers as Record<string, (request: unknown) => Promise<Result<unknown, FaultCode>>>)[name];
  if (!handler) return fault('internal', `nothing answers "${name}"`);
  try {
    return await handler(request.data);
  } catch {
    return fault('internal', `"${name}" failed`);
  }
}

function fault(code: FaultCode, detail: string): Result<never, FaultCode> {
  return { ok: false, error: { code, detail } as Fault & { code: Always } };
}

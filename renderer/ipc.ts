import './zod-settings.ts';
import { z } from 'zod';
import type { Client, Result } from '../contracts/call.ts';
import { Fault } from '../contracts/fault.ts';
import { type Ipc, ipc } from '../contracts/ipc.ts';

/** What the preload script gives the page. */
export interface Bridge {
  call(name: string, request?: unknown): Promise<unknown>;
  on(name: string, listener: (payload: unknown) => void): () => void;
}

declare global {
  interface Window {
    readonly deskwarden: Bridge;
  }
}

const Answer = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown().optional() }),
  z.strictObject({ ok: z.literal(false), error: Fault }),
]);

/** Parses what comes from the main process by the table. An answer that does not fit it is the fault `internal`. */
export function connect(bridge: Bridge): Client<Ipc> {
  const ask = async (name: string, request: unknown): Promise<Result<unknown, never>> => {
    const entry = Object.hasOwn(ipc, name) ? ipc[name as keyof Ipc] : undefined;
    if (entry?.kind !== 'call') throw new Error(`no call "${name}"`);
    try {
      const answer = Answer.parse(await bridge.call(name, request));
      if (!answer.ok) return answer as Result<never, never>;
      return { ok: true, value: entry.response.parse(answer.value) };
    } catch (error) {
      return { ok: false, error: { code: 'internal', detail: String(error).slice(0, 500) } };
    }
  };
  const on = (name: string, listener: (payload: never) => void) => {
    const entry = Object.hasOwn(ipc, name) ? ipc[name as keyof Ipc] : undefined;
    if (entry?.kind !== 'event') throw new Error(`no event "${name}"`);
    return bridge.on(name, (payload) => {
      const parsed = entry.payload.safeParse(payload);
      if (parsed.success) listener(parsed.data as never);
    });
  };
  const calls = Object.keys(ipc).filter((name) => ipc[name as keyof Ipc].kind === 'call');
  return { ...Object.fromEntries(calls.map((name) => [name, (request: unknown) => ask(name, request)])), on } as unknown as Client<Ipc>;
}

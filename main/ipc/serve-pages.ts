import { answer, type Handlers, type Result } from '../../contracts/call.ts';
import type { FaultCode } from '../../contracts/fault.ts';
import { type Ipc, ipc, PageName } from '../../contracts/ipc.ts';
import { createCallRate } from '../../contracts/local-link/call-rate.ts';
import type { IpcPort } from './ipc-port.ts';
import { mayHear, senderFlaw } from './sender-rule.ts';

/** A page asks when it opens and when somebody clicks; a page that asks more has gone round in circles. */
const CALLS_PER_SECOND = 10;
const BURST = 40;

type EventName = { [K in keyof Ipc]: Ipc[K] extends { kind: 'event' } ? K : never }[keyof Ipc];

export interface Pages {
  /** To every page that may hear it. */
  tell(name: EventName, payload: unknown): void;
}

export interface ServePages {
  port: IpcPort;
  handlers: Handlers<Ipc>;
  monotonicMs(): number;
  /** A call or an event that should not be. */
  onRefused(detail: string): void;
}

/** Every call is parsed before a handler has it, every answer and event before a page has it. */
export function servePages({ port, handlers, monotonicMs, onRefused }: ServePages): Pages {
  const rates = new Map(PageName.options.map((page) => [page, createCallRate(CALLS_PER_SECOND, BURST, monotonicMs)]));

  function refuse(detail: string, code: 'bad-request' | 'internal' = 'bad-request'): Result<never, FaultCode> {
    onRefused(detail);
    return { ok: false, error: { code, detail: detail.slice(0, 500) } };
  }

  port.onCall(async (sender, name, request) => {
    if (typeof name !== 'string') return refuse('a call without a name');
    const flaw = senderFlaw(sender, name);
    if (flaw !== null) return refuse(flaw);
    if (sender.page === null || !rates.get(sender.page)?.()) return refuse(`more than ${CALLS_PER_SECOND} calls a second`);
    return checked(name as keyof Ipc, await answer(ipc, handlers, name, request));
  });

  function checked(name: keyof Ipc, result: Result<unknown, FaultCode>): Result<unknown, FaultCode> {
    const entry = ipc[name];
    if (entry.kind !== 'call') return refuse(`"${name}" is no call`);
    if (result.ok) {
      const value = entry.response.safeParse(result.value);
      return value.success ? { ok: true, value: value.data } : refuse(`the answer to "${name}" does not parse`, 'internal');
    }
    const { code } = result.error;
    const isListed = code === 'bad-request' || code === 'internal' || (entry.errors as readonly FaultCode[]).includes(code);
    return isListed ? result : refuse(`"${name}" never gives "${code}"`, 'internal');
  }

  return {
    tell(name, payload) {
      const parsed = ipc[name].payload.safeParse(payload);
      if (!parsed.success) return onRefused(`event "${name}" does not parse`);
      for (const page of PageName.options) if (mayHear(page, name)) port.send(page, name, parsed.data);
    },
  };
}

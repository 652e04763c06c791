import type { Clock } from '../../checks/host.ts';

export interface Limit {
  ms: number;
  signal: AbortSignal;
}

export type Ending<T> = { ok: true; value: T } | { ok: false; error: unknown };

/** How a step ended that did not end by itself. */
class Ended extends Error {
  readonly code: 'timed-out' | 'aborted';
  constructor(code: Ended['code']) {
    super(code);
    this.code = code;
  }
}

type Release = (succeeded: boolean) => void;

/** Runs `start` until it settles or fails, the time is over, or the signal aborts; then what `start` returned, exactly once. */
export function bounded<T>(
  limit: Limit,
  start: (settle: (value: T) => void, fail: (error: unknown) => void) => Release,
): Promise<Ending<T>> {
  return new Promise((resolve) => {
    let release: Release | undefined;
    let ending: Ending<T> | undefined;
    const end = (how: Ending<T>) => {
      if (ending) return;
      ending = how;
      clearTimeout(timer);
      limit.signal.removeEventListener('abort', onAbort);
      release?.(how.ok);
      resolve(how);
    };
    const onAbort = () => end({ ok: false, error: new Ended('aborted') });
    const timer = setTimeout(() => end({ ok: false, error: new Ended('timed-out') }), Math.max(0, limit.ms));
    if (limit.signal.aborted) return onAbort();
    limit.signal.addEventListener('abort', onAbort);
    try {
      const started = start(
        (value) => end({ ok: true, value }),
        (error) => end({ ok: false, error }),
      );
      const already = ending as Ending<T> | undefined;
      if (already) started(already.ok);
      else release = started;
    } catch (error) {
      end({ ok: false, error });
    }
  });
}

/** One absolute deadline over several steps: each step gets its own limit, or what is left where that is less. */
export interface Budget {
  step(ms: number): Limit;
}

export function startBudget(clock: Clock, totalMs: number, signal: AbortSignal): Budget {
  const endsAt = clock.monotonicMs() + totalMs;
  return { step: (ms) => ({ ms: Math.min(ms, endsAt - clock.monotonicMs()), signal }) };
}

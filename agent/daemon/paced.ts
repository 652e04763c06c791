import type { Clock } from '../../checks/host.ts';

export interface Paced<T> {
  (what: T): void;
  stop(): void;
}

/** Acts at once, and then no more often than this: what comes sooner is done once, when it is time. */
export function paced<T>(everyMs: number, clock: Pick<Clock, 'monotonicMs'>, act: (what: T) => void): Paced<T> {
  let actedMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const now = (what: T) => {
    timer = undefined;
    actedMs = clock.monotonicMs();
    act(what);
  };
  const ask = (what: T) => {
    const leftMs = actedMs + everyMs - clock.monotonicMs();
    if (leftMs <= 0 && timer === undefined) now(what);
    else timer ??= setTimeout(now, Math.max(0, leftMs), what);
  };
  return Object.assign(ask, { stop: () => clearTimeout(timer) });
}

import { failureOf } from './failure.ts';
import type { Db } from './tenancy.ts';

/** How often it is looked whether the database answers again. */
const LOOK_MS = 1_000;

export interface OutageDeps {
  db: Pick<Db, 'tenants'>;
  now: () => Date;
  onAway(detail: string): void;
  onBack(back: { awayMs: number; errors: number }): void;
}

/** An outage of the database is many errors and one event: said when it begins, and when it is over. */
export interface Outage {
  /** Whether the error says that the database is away. */
  notices(error: unknown): boolean;
  stop(): void;
}

export function watchOutage({ db, now, onAway, onBack }: OutageDeps): Outage {
  let current: { since: Date; errors: number } | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function lookAgain(): void {
    if (!stopped) timer = setTimeout(() => void db.tenants().then(end, lookAgain), LOOK_MS).unref();
  }

  function end(): void {
    if (current === null || stopped) return;
    const { since, errors } = current;
    current = null;
    onBack({ awayMs: now().getTime() - since.getTime(), errors });
  }

  return {
    notices(error) {
      if (failureOf(error) !== 'away') return false;
      if (current !== null) current.errors += 1;
      else if (!stopped) {
        current = { since: now(), errors: 1 };
        onAway(error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error));
        lookAgain();
      }
      return true;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** A server that goes cuts every idle connection of every pool at once. */
const QUIET_MS = 10_000;

/** Says the first of many that come together. */
export function firstOfMany(now: () => Date, say: (error: Error) => void): (error: Error) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    const nowMs = now().getTime();
    if (nowMs - saidMs < QUIET_MS) return;
    saidMs = nowMs;
    say(error);
  };
}

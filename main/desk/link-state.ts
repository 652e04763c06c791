import type { DaemonLink } from '../../contracts/ipc.ts';
import type { LinkCode } from '../../contracts/local-link/link-fault.ts';

/** At login the daemon may come up a moment later than the app; nobody is told that it is missing meanwhile. */
const FIRST_SECONDS_MS = 5_000;
/** A restart, and an update of its package, are over by then. */
const FOR_A_WHILE_MS = 30_000;

const FIRST_RETRY_MS = 250;
/** How long a daemon that came back unseen can be overlooked at most. */
const LAST_RETRY_MS = 15_000;

export interface LinkPast {
  startedMs: number;
  /** When it was last connected; null when it never was. */
  lostMs: number | null;
}

/** What people are told while there is no talking to the daemon, and `why`. */
export function linkWithout(why: LinkCode, { startedMs, lostMs }: LinkPast, nowMs: number): DaemonLink {
  switch (why) {
    // Without the key, or of another version than ours.
    case 'not-the-daemon':
    case 'bad-response':
    case 'refused':
      return 'not-the-daemon';
    // While a daemon makes the sockets their directories are its own: that is no stranger.
    case 'not-your-socket':
    case 'no-daemon':
    case 'busy':
    case 'timed-out':
    case 'closed':
      if (lostMs === null) return nowMs - startedMs < FIRST_SECONDS_MS ? 'connecting' : 'absent';
      return nowMs - lostMs < FOR_A_WHILE_MS ? 'reconnecting' : 'absent';
  }
}

/** How long that stays so while nothing answers; for ever where time changes it no more. */
export function staysForMs({ startedMs, lostMs }: LinkPast, nowMs: number): number {
  const leftMs = (lostMs === null ? startedMs + FIRST_SECONDS_MS : lostMs + FOR_A_WHILE_MS) - nowMs;
  return leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY;
}

/** Doubles with each failure in a row; the jitter keeps the apps of a shared desk from asking all at once. */
export function retryDelayMs(failures: number, random: number): number {
  const fullMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
  return fullMs / 2 + (fullMs / 2) * random;
}

import type { StandingChange } from '../../../contracts/desk-history.ts';
import type { Standing } from '../../../contracts/verdict.ts';

/** A stretch of the strip in one standing; `from` and `to` in milliseconds. `null`: nothing is known of it. */
export interface Stretch {
  standing: Standing | null;
  fromMs: number;
  toMs: number;
}

const DAY_MS = 24 * 60 * 60_000;
/** Shorter windows make one change look like half a day. */
const MIN_WINDOW_MS = 60 * 60_000;

/** The hours since local midnight, as long as the history reaches; at least one hour, at most 24. */
export function dayWindow(now: Date): { fromMs: number; toMs: number } {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const toMs = now.getTime();
  const fromMs = Math.min(midnight.getTime(), toMs - MIN_WINDOW_MS);
  return { fromMs: Math.max(fromMs, toMs - DAY_MS), toMs };
}

/** The strip of a window without gaps: neighbours of the same standing are one stretch. */
export function strip(changes: readonly StandingChange[], { fromMs, toMs }: { fromMs: number; toMs: number }): Stretch[] {
  const stretches: Stretch[] = [];
  const add = (standing: Standing | null, from: number, to: number) => {
    const [start, end] = [Math.max(from, fromMs), Math.min(to, toMs)];
    if (end <= start) return;
    const last = stretches.at(-1);
    if (last && last.standing === standing) last.toMs = end;
    else stretches.push({ standing, fromMs: start, toMs: end });
  };
  const first = changes[0];
  add(null, fromMs, first ? Date.parse(first.at) : toMs);
  for (const [index, change] of changes.entries()) {
    const next = changes[index + 1];
    add(change.standing, Date.parse(change.at), next ? Date.parse(next.at) : toMs);
  }
  return stretches;
}

/** Changes inside the window, newest first. */
export function changesOfDay(changes: readonly StandingChange[], { fromMs }: { fromMs: number }): StandingChange[] {
  return changes.filter(({ at }) => Date.parse(at) >= fromMs).reverse();
}

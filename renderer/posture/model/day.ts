import type { DeskHistory, StandingChange, WatchedSpan } from '../../../contracts/desk-history.ts';
import type { CheckId } from '../../../contracts/finding.ts';
import type { DaemonLink } from '../../../contracts/ipc.ts';
import type { Standing } from '../../../contracts/verdict.ts';
import { uniqueKeys } from './unique-keys.ts';

/** `not-watched`: nobody judged this desk. `unknown`: somebody did, and what came of it is not kept. */
export type Stood = Standing | 'not-watched' | 'unknown';

/** A stretch of the strip; `from` and `to` in milliseconds. */
export interface Stretch {
  stood: Stood;
  fromMs: number;
  toMs: number;
}

interface Span {
  fromMs: number;
  toMs: number;
}

const DAY_MS = 24 * 60 * 60_000;
/** Shorter windows make one change look like half a day. */
const MIN_WINDOW_MS = 60 * 60_000;
/** The history is asked for every minute, and the desk judged every few seconds: what is younger is still on its way. */
const ON_ITS_WAY_MS = 3 * 60_000;

/** The hours since local midnight, as long as the history reaches; at least one hour, at most 24. */
export function dayWindow(now: Date): Span {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const toMs = now.getTime();
  const fromMs = Math.min(midnight.getTime(), toMs - MIN_WINDOW_MS);
  return { fromMs: Math.max(fromMs, toMs - DAY_MS), toMs };
}

/** When the desk was watched: by the daemon's word, then for as long as it was heard, and until now only while it is there. */
export function watchedUntilNow(watched: readonly WatchedSpan[], link: DaemonLink, heardAt: string | null, now: Date): Span[] {
  const spans = watched.map(({ from, to }) => ({ fromMs: Date.parse(from), toMs: Date.parse(to) }));
  const last = spans.at(-1);
  if (!last || heardAt === null) return spans;
  const goOnTo = (ms: number) => {
    if (ms > last.toMs && ms - last.toMs <= ON_ITS_WAY_MS) last.toMs = ms;
  };
  goOnTo(Date.parse(heardAt));
  if (link === 'connected') goOnTo(now.getTime());
  return spans;
}

/** The strip of a window without gaps: neighbours that are alike are one stretch. */
export function strip(changes: readonly StandingChange[], watched: readonly Span[], { fromMs, toMs }: Span): Stretch[] {
  const stretches: Stretch[] = [];
  const add = (stood: Stood, from: number, to: number) => {
    const [start, end] = [Math.max(from, fromMs), Math.min(to, toMs)];
    if (end <= start) return;
    const last = stretches.at(-1);
    if (last && last.stood === stood) last.toMs = end;
    else stretches.push({ stood, fromMs: start, toMs: end });
  };
  const addWatched = (from: number, to: number) => {
    const startsMs = changes.map(({ at }) => Date.parse(at));
    add('unknown', from, Math.min(to, startsMs[0] ?? to));
    for (const [index, { standing }] of changes.entries()) {
      add(standing, Math.max(from, startsMs[index] ?? from), Math.min(to, startsMs[index + 1] ?? to));
    }
  };
  let seenMs = fromMs;
  for (const span of watched) {
    add('not-watched', seenMs, span.fromMs);
    addWatched(span.fromMs, span.toMs);
    seenMs = Math.max(seenMs, span.toMs);
  }
  add('not-watched', seenMs, toMs);
  return stretches;
}

/** A line of the list below the strip. */
export interface DayEntry {
  /** One of its own among its neighbours, also where two are of one millisecond. */
  key: string;
  at: string;
  stood: Stood;
  causes: readonly CheckId[];
  /** Of `not-watched` its end; null where it goes on, and of everything else. */
  until: string | null;
}

/** Changes inside the window, and when nobody watched; newest first. */
export function dayEntries(changes: DeskHistory['standings'], stretches: readonly Stretch[], { fromMs, toMs }: Span): DayEntry[] {
  const entries: Omit<DayEntry, 'key'>[] = [
    ...changes
      .filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) <= toMs)
      .map(({ at, standing, causes }) => ({ at, stood: standing, causes, until: null })),
    ...stretches
      .filter(({ stood }) => stood === 'not-watched')
      .map((stretch) => ({
        at: new Date(stretch.fromMs).toISOString(),
        stood: stretch.stood,
        causes: [],
        until: stretch.toMs < toMs ? new Date(stretch.toMs).toISOString() : null,
      })),
  ];
  const inOrder = entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const keys = uniqueKeys(inOrder.map(({ at }) => at));
  return inOrder.map((entry, index) => ({ ...entry, key: keys[index] ?? entry.at })).reverse();
}

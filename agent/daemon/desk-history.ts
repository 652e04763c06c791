import path from 'node:path';
import { z } from 'zod';
import { qualitySample } from '../../checks/network/quality-sample.ts';
import { DeskHistory, type StandingChange, WatchedSpan } from '../../contracts/desk-history.ts';
import type { Finding } from '../../contracts/finding.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import { openStateFile, type SetAside } from '../store/state-file.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Nobody misses the last minute of it after a crash; each judgement moves the end of a span, and is worth no write of its own. */
const SAVE_EVERY_MS = 60_000;
const MOST_CHANGES = 500;
const MOST_SAMPLES = 300;
const MOST_CAUSES = 50;
/** What a crash can lose of the last span, and a restart after it: neither is a time in which nobody watched. */
const GAP_MS = 2 * SAVE_EVERY_MS;
/** A desk that is started anew every ten minutes, all day. */
const MOST_SPANS = 150;

const HistoryFile = DeskHistory.extend({
  schema: z.literal(1),
  // A file of before it was kept: nobody knows when that desk was watched.
  watched: z.array(WatchedSpan).max(MOST_SPANS).default([]),
});

export interface HistoryKeeper {
  /** Each verdict, also one that says the same again: where none comes for a while, nobody watched. */
  onVerdict(verdict: Pick<Verdict, 'standing' | 'causes' | 'decidedAt'>): void;
  onFinding(finding: Finding): void;
  /** Of the last 24 hours, and the standing that they began with. */
  read(): DeskHistory;
  /** Settles once it is on the disk, or cannot be put there. */
  stop(): Promise<void>;
}

export interface HistorySettings {
  stateDir: string;
  wallMs: () => number;
  onSetAside: (report: SetAside) => void;
  /** Told once for each row of failures. */
  onFailed: (error: unknown) => void;
}

/**
 * What people are shown of a day; nothing is decided by it. It is bounded by number, and by time only where it is read: what a
 * wall clock that jumped puts out of the day is there again when the clock is right.
 */
export async function openHistory({ stateDir, wallMs, onSetAside, onFailed }: HistorySettings): Promise<HistoryKeeper> {
  const file = await openStateFile({
    path: path.join(stateDir, 'history.json'),
    schema: HistoryFile,
    fallback: { schema: 1, quality: [], standings: [], watched: [] },
    onSetAside,
  });
  const stored = await file.read();
  let { quality, standings, watched } = stored;
  let timer: NodeJS.Timeout | undefined;
  let isSaved = true;
  let isFailing = false;
  let saving: Promise<void> = Promise.resolve();

  async function save(): Promise<void> {
    isSaved = true;
    try {
      await file.write({ schema: 1, quality, standings, watched });
      isFailing = false;
    } catch (error) {
      isSaved = false;
      if (!isFailing) onFailed(error);
      isFailing = true;
    }
  }

  function saveSoon(): void {
    isSaved = false;
    timer ??= setTimeout(() => {
      timer = undefined;
      saving = save();
    }, SAVE_EVERY_MS);
  }

  return {
    onVerdict({ standing, causes, decidedAt }) {
      watched = watchedUntil(watched, decidedAt).slice(-MOST_SPANS);
      saveSoon();
      const inTheWay = causes.filter(({ enforcement }) => enforcement !== 'note').map(({ check }) => check);
      const change = { at: decidedAt, standing, causes: [...new Set(inTheWay)].sort().slice(0, MOST_CAUSES) };
      const last = standings.at(-1);
      if (last && essence(last) === essence(change)) return;
      standings = [...standings, change].slice(-MOST_CHANGES);
    },
    onFinding(finding) {
      const sample = qualitySample(finding);
      if (sample === null) return;
      quality = [...quality, sample].slice(-MOST_SAMPLES);
      saveSoon();
    },
    read() {
      const nowMs = wallMs();
      const inDay = ({ at }: { at: string }) => nowMs - DAY_MS <= Date.parse(at) && Date.parse(at) <= nowMs;
      const before = byTime(standings.filter(({ at }) => Date.parse(at) < nowMs - DAY_MS)).at(-1);
      const changes = byTime(standings.filter(inDay));
      return {
        quality: byTime(quality.filter(inDay)),
        standings: (before ? [before, ...changes] : changes).slice(-MOST_CHANGES),
        watched: apart(watched, nowMs - DAY_MS, nowMs),
      };
    },
    async stop() {
      clearTimeout(timer);
      await saving;
      if (!isSaved) await save();
    },
  };
}

function essence({ standing, causes }: StandingChange): string {
  return JSON.stringify([standing, causes]);
}

/**
 * The last span goes on to this judgement, or a new one begins with it: after a sleep, a stop, a crash or a clock that was set. A
 * clock that was set back takes back what was said of the time ahead of it.
 */
function watchedUntil(spans: readonly WatchedSpan[], at: string): WatchedSpan[] {
  const last = spans.at(-1);
  const sinceMs = last && Date.parse(at) - Date.parse(last.to);
  if (!last || sinceMs === undefined || sinceMs > GAP_MS || Date.parse(at) < Date.parse(last.from)) return [...spans, { from: at, to: at }];
  return [...spans.slice(0, -1), { from: last.from, to: at }];
}

/** What of the spans is between the two times; those that touch or overlap, since a clock was set back, are one. */
function apart(spans: readonly WatchedSpan[], fromMs: number, toMs: number): WatchedSpan[] {
  const inside = spans
    .map(({ from, to }) => ({ fromMs: Math.max(fromMs, Date.parse(from)), toMs: Math.min(toMs, Date.parse(to)) }))
    .filter((span) => span.fromMs <= span.toMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  const joined: typeof inside = [];
  for (const span of inside) {
    const last = joined.at(-1);
    if (last && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs);
    else joined.push(span);
  }
  return joined.map((span) => ({ from: new Date(span.fromMs).toISOString(), to: new Date(span.toMs).toISOString() }));
}

/** They were written in the order in which they came, and a clock may have been set back between two of them. */
function byTime<T extends { at: string }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

import { type LevelWithSilent, pino } from 'pino';
import { safeJson } from '../cli/clean-text.ts';
import type { DaemonEvent } from './daemon-event.ts';
import { openLogRing } from './log-ring.ts';

export interface Log {
  event(event: DaemonEvent): void;
  close(): Promise<void>;
}

export interface LogSettings {
  /** Where the last days are kept. */
  dir: string;
  /** Takes one line with its end: standard output, which the service manager keeps. */
  write: (line: string) => void;
  level?: LevelWithSilent;
  wallMs?: () => number;
  monotonicMs?: () => number;
}

/** What one event may hold, so that a stranger's long answer cannot push the rest out of the ring. */
const MOST_CHARS = 2_000;
const MOST_ITEMS = 100;
/** The notes of the targets of the enforcers lie six deep. */
const MOST_DEPTH = 8;

/** No event is made with a secret; these are a second fence, in case one is. */
const secretKeys = ['ticket', 'token', 'secret', 'password', 'passphrase', 'privateKey', 'authorization', 'cookie'];
const SECRET_TEXT = /dw1\.[\w-]+(?:\.[\w-]*)?|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const REDACTED = '[redacted]';

/** The daemon's log: one JSON object in each line, with `at` (ISO), `event` and its fields, to standard output and to a ring on disk. */
export function createLog({ dir, write, level = 'info', wallMs = Date.now, monotonicMs = () => performance.now() }: LogSettings): Log {
  // The loss is told on standard output alone: the ring is what is lost.
  const onLost = (detail: string) => toStandardOutput.warn({ event: 'fault', what: 'log not kept', detail });
  const ring = openLogRing({ dir, onLost, monotonicMs });
  const toStandardOutput = makeLogger(write);
  const toBoth = makeLogger((line) => {
    write(line);
    ring.append(line.trimEnd());
  });

  function makeLogger(take: (line: string) => void) {
    return pino(
      {
        level,
        base: null,
        timestamp: () => `,"at":"${new Date(wallMs()).toISOString()}"`,
        formatters: { level: (label) => ({ level: label }), log: (fields) => bounded(fields, 0) as Record<string, unknown> },
        redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: REDACTED },
      },
      // Parsed again so that no string moves a terminal's cursor: pino escapes what JSON must, and not more.
      { write: (line: string) => take(`${safeJson(JSON.parse(line))}\n`) },
    );
  }

  return {
    event: (event) => toBoth[event.event === 'fault' ? 'warn' : 'info'](event),
    async close() {
      ring.close();
    },
  };
}

function bounded(value: unknown, depth: number): unknown {
  if (typeof value === 'string') {
    const safe = value.replace(SECRET_TEXT, REDACTED);
    return safe.length > MOST_CHARS ? `${safe.slice(0, MOST_CHARS)}…` : safe;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MOST_DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => bounded(item, depth + 1));
  const entries = Object.entries(value).slice(0, MOST_ITEMS);
  return Object.fromEntries(entries.map(([key, item]) => [key, bounded(item, depth + 1)]));
}

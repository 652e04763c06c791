import type { z } from 'zod';
import type { Standing } from '../../contracts/verdict.ts';

/** Where a desk's numbers stand in one epoch. */
export interface EpochMemory {
  seq: number;
  /** Ids of its last reports, newest first. */
  recent: readonly string[];
}

/** What the fleet holds of a desk, as far as the next report or heartbeat needs it. */
export interface DeskMemory {
  device: string;
  heardAt: Date | null;
  saidAt: Date | null;
  standing: z.infer<typeof Standing>;
  standingSince: Date;
  gateState: string;
  causes: readonly string[];
  reportedStanding: string | null;
  reportedGate: string | null;
  findingsDigest: string | null;
  verdictDigest: string | null;
  epoch: string | null;
  duplicateSuspectedAt: Date | null;
  wantFull: boolean;
  /** At this moment, of its owner or its own: goes with each line of history. */
  group: string | null;
  /** The current epoch and that of the report, as far as they are known. */
  epochs: ReadonlyMap<string, EpochMemory>;
}

/** A desk that was not heard for so long is silent, whatever it said last. Three heartbeats of five minutes. */
export const SILENT_MS = 15 * 60_000;

export interface StandingLine {
  standing: string;
  /** Until then; null: nobody knows. */
  was: string | null;
  gateState: string;
  causes: readonly string[];
  at: Date;
}

/**
 * A gap in what was heard becomes history once it is over; while it lasts it is seen by `heardAt`. It ends where the desk spoke
 * again by its own clock: what waited in its outbox tells of the time since. `restarted`: so that it did not go on unheard.
 */
export function silenceBefore(memory: DeskMemory, next: StandingLine, now: Date, restarted = false): StandingLine[] {
  const { heardAt, saidAt, gateState, standing } = memory;
  if (heardAt === null || (!restarted && now.getTime() - heardAt.getTime() <= SILENT_MS)) return [];
  const last = saidAt !== null && saidAt < heardAt ? saidAt : heardAt;
  const at = new Date(last.getTime() + SILENT_MS);
  if (at >= next.at) return [];
  return [
    { standing: 'silent', was: standing, gateState, causes: [], at },
    { ...next, was: 'silent' },
  ];
}

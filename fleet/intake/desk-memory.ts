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
  gateState: string;
  causes: readonly string[];
  at: Date;
}

/** A gap in what was heard becomes history once it is over; while it lasts it is seen by `heardAt`. */
export function silenceBefore(memory: DeskMemory, now: Date): StandingLine[] {
  const { heardAt, gateState, standing, causes } = memory;
  if (heardAt === null || now.getTime() - heardAt.getTime() <= SILENT_MS) return [];
  return [
    { standing: 'silent', gateState, causes: [], at: new Date(heardAt.getTime() + SILENT_MS) },
    { standing, gateState, causes, at: now },
  ];
}

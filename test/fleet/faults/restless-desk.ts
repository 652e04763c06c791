import { randomUUID } from 'node:crypto';
import type { Heartbeat } from '../../../contracts/fleet-api.ts';
import type { Report } from '../../../contracts/report.ts';
import { aFinding, aHeartbeat, aReport, failing } from '../intake/desk-reports.ts';

/** A report, and all that it comes to where it counts once. */
export interface Made {
  id: string;
  device: string;
  epoch: string;
  seq: number;
  madeAt: string;
  standing: 'clear' | 'blocked';
  /** The standing is other than before. */
  turns: boolean;
  /** Lines of the history of findings. */
  told: number;
  release: string | null;
}

export interface RestlessDesk {
  next(): { report: Report; made: Made };
  /** Says what the last report said. */
  heartbeat(): Heartbeat;
}

/** It starts anew after so many reports. */
const EPOCH_REPORTS = 30;
/** A whole report in which nothing changed. */
const UNCHANGED_EVERY = 5;
const RELEASE_EVERY = 7;

/** A desk whose every report counts: each changes its standing, is whole and changes nothing, or begins an epoch. */
export function restlessDesk(device: string): RestlessDesk {
  let [epoch, seq, made, lastMs] = [randomUUID() as string, -1, 0, 0];
  let standing: Made['standing'] = 'blocked';
  let since = '';
  const now = () => {
    // One moment each, so that lines of history can be told apart.
    lastMs = Math.max(lastMs + 1, Date.now());
    return new Date(lastMs).toISOString();
  };
  return {
    next() {
      seq += 1;
      if (seq === EPOCH_REPORTS) [epoch, seq] = [randomUUID(), 0];
      const madeAt = now();
      const turns = made % UNCHANGED_EVERY !== UNCHANGED_EVERY - 1;
      if (turns) [standing, since] = [standing === 'clear' ? 'blocked' : 'clear', madeAt];
      const times = { since, observedAt: madeAt };
      const turn = standing === 'clear' ? aFinding('turn', times) : failing('turn', 'udp-blocked', times);
      const isFull = seq === 0 || !turns;
      const release = made % RELEASE_EVERY === 0 ? randomUUID() : null;
      const report = aReport(device, {
        ...{ epoch, seq, standing, madeAt, scope: isFull ? 'full' : 'changes', causes: standing === 'clear' ? [] : ['turn'] },
        findings: isFull ? [turn, aFinding('hosts')] : [turn],
        releases: release === null ? [] : [{ id: release, by: 'code', uid: 1_000, from: madeAt, until: madeAt }],
      });
      const told = made === 0 ? 2 : Number(turns);
      made += 1;
      return { report, made: { id: report.id, device, epoch, seq, madeAt, standing, turns, told, release } };
    },
    heartbeat: () => aHeartbeat({ sentAt: now(), standing }),
  };
}

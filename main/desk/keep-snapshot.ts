import type { Snapshot } from '../../contracts/local-api.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import type { After } from '../../contracts/local-link/link.ts';
import { LinkFault } from '../../contracts/local-link/link-fault.ts';

/** A run tells of each finding; one snapshot shows many of them. */
const MIN_GAP_MS = 300;
/** For what no event tells of (the fleet, the policy, how long a verdict holds), and to see whether the daemon still answers. */
const EVERY_MS = 30_000;

export interface KeepSnapshotPorts {
  after: After;
  monotonicMs(): number;
  onHeard(snapshot: Snapshot): void;
}

/** What events told, and a snapshot on its way need not have in it. */
type Newer = Partial<Pick<Snapshot, 'verdict' | 'gate'>>;

export interface KeptSnapshot {
  /** Settles with the first snapshot; rejects with a `LinkFault`, and then follows nothing. */
  follow(client: LocalApiClient): Promise<void>;
  leave(): void;
  /** Something is other than it was: asked for again, at most once in a while. */
  changed(newer: Newer): void;
}

/** Keeps one snapshot fresh; at any time there is at most one question on its way, and one wait. */
export function keepSnapshot({ after, monotonicMs, onHeard }: KeepSnapshotPorts): KeptSnapshot {
  let client: LocalApiClient | null = null;
  let askedMs = Number.NEGATIVE_INFINITY;
  let isAsking = false;
  let isStale = false;
  let newer: Newer = {};
  let stopWaiting = () => {};

  const waitFor = (ms: number) => {
    stopWaiting();
    stopWaiting = after(ms, () => void refresh());
  };

  const fetchFrom = async (asked: LocalApiClient) => {
    askedMs = monotonicMs();
    isAsking = true;
    isStale = false;
    newer = {};
    try {
      const answer = await asked.snapshot();
      if (client !== asked) throw new LinkFault('closed', 'left');
      if (!answer.ok) throw new LinkFault(answer.error.code === 'bad-request' ? 'refused' : 'closed', answer.error.detail);
      // An event overtook it: the gate must not seem to go back to where it was.
      onHeard({ ...answer.value, ...newer });
    } finally {
      isAsking = false;
    }
    waitFor(isStale ? MIN_GAP_MS : EVERY_MS);
  };

  const refresh = async () => {
    const asked = client;
    if (!asked || isAsking) return;
    try {
      await fetchFrom(asked);
    } catch {
      if (client === asked) asked.close();
    }
  };

  const leave = () => {
    client = null;
    stopWaiting();
    stopWaiting = () => {};
  };

  return {
    async follow(next) {
      leave();
      client = next;
      try {
        await fetchFrom(next);
      } catch (error) {
        if (client === next) leave();
        throw error;
      }
    },
    leave,
    changed(what) {
      newer = { ...newer, ...what };
      if (!client) return;
      isStale = true;
      if (!isAsking) waitFor(Math.max(0, askedMs + MIN_GAP_MS - monotonicMs()));
    },
  };
}

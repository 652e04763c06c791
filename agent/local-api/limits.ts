import { MAX_DAEMON_FRAME_BYTES } from '../../contracts/local-api.ts';

/** What one user's programs may take of the daemon. Tests lower them. */
export interface LocalApiLimits {
  perUser: number;
  total: number;
  settledMs: number;
  firstCallMs: number;
  idleMs: number;
  callMs: number;
  callsInFlight: number;
  callsPerSecond: number;
  burst: number;
  drainMs: number;
  queuedBytes: number;
  totalQueuedBytes: number;
  lingerMs: number;
  lingering: number;
  staleProbeMs: number;
  faultEveryMs: number;
}

export const LIMITS: LocalApiLimits = {
  /** The tray app takes one, each command one; the rest is for a support script that runs a few at once. */
  perUser: 16,
  /** Four busy users of a shared desk. With `queuedBytes` and the frame bounds this bounds the daemon's memory. */
  total: 64,
  /** A quiet connection is not put out for a newer one before it had this long to say something: an honest client says hello at once. */
  settledMs: 1_000,
  /** An honest client says hello in the tick in which it is connected; this leaves room for a machine that swaps. */
  firstCallMs: 5_000,
  /** Three keep-alives of the client. */
  idleMs: 90_000,
  /** Calls read what is in memory or start something; none waits for a run. */
  callMs: 10_000,
  /** The tray app never has more than four. */
  callsInFlight: 16,
  /** Ten evidences a second is far more than session probes produce. */
  callsPerSecond: 10,
  /** A tray app that starts asks for everything at once. */
  burst: 30,
  /** A reader that could not catch up for this long hangs; it can come back and ask for a snapshot. */
  drainMs: 5_000,
  /** One frame of the largest size, and behind it the progress of several whole runs. */
  queuedBytes: MAX_DAEMON_FRAME_BYTES + 256 * 1024,
  /** Over all connections: a tenth of what the daemon may use at rest. */
  totalQueuedBytes: 8 * 1024 * 1024,
  /** So long a client that was put out may take to read why. */
  lingerMs: 250,
  /** Put out at the same time; further ones are cut without a word. */
  lingering: 64,
  /** A listener on the same machine accepts in microseconds, unless it is stopped or overrun: then it is there all the same. */
  staleProbeMs: 1_000,
  /** A user can cause faults as fast as he can connect; each kind is told once in this time, with its count. */
  faultEveryMs: 60_000,
};

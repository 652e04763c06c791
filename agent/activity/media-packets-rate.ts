import type { CallActivity } from '../../contracts/gate.ts';
import { SIGNAL_STALE_AFTER_MS } from '../gate/judge-activity.ts';

/** Packets since the counters were made. */
export interface PacketCounts {
  out: number;
  in: number;
}

export interface RateMemory {
  counts: PacketCounts;
  atMs: number;
  /** Since when hardly a packet went either way. */
  quietSinceMs: number | null;
  /** A call was seen, and nothing has shown its end. */
  callSeen: boolean;
  says: CallActivity;
}

/** A softphone sends a packet every 20 ms, 50 per second, and gets as many; leaves room for loss and for silence in between. */
const CALL_PER_S = 20;
/**
 * With discontinuous transmission a silent call still sends every 400 ms, 2.5 per second. A connection without a call is
 * probed every 2.5 s, which with the other side's probes is under 1 per second.
 */
const QUIET_BELOW_PER_S = 1.5;
/** Outlasts a change of network, which a call survives, and is short beside the time that a drain may take. */
const QUIET_MS = 7_000;
/** A shorter time says nothing of packets that come every 400 ms. */
const SHORTEST_MS = 1_000;

/** Nothing to compare with yet. A call that was seen goes on for as long as it would in silence: another user may have come. */
export function startRates(before: RateMemory | null, counts: PacketCounts, nowMs: number): RateMemory {
  const callSeen = before?.callSeen ?? false;
  const quietSinceMs = callSeen && before ? (before.quietSinceMs ?? before.atMs) : null;
  const goesOn = quietSinceMs !== null && nowMs >= quietSinceMs && nowMs - quietSinceMs < QUIET_MS;
  return { counts, atMs: nowMs, quietSinceMs, callSeen, says: goesOn ? 'on-call' : 'unknown' };
}

/**
 * Pure and total. A call is packets both ways at a call's rate, and lasts until both ways are quiet for `QUIET_MS`. Packets
 * one way only are unknown: a call in trouble, or somebody who sends without being answered.
 */
export function judgeRates(before: RateMemory | null, counts: PacketCounts, nowMs: number): RateMemory {
  if (!before) return startRates(before, counts, nowMs);
  const elapsedMs = nowMs - before.atMs;
  const out = counts.out - before.counts.out;
  const into = counts.in - before.counts.in;
  // Counters that went back are others: somebody reset them.
  if (elapsedMs < 0 || out < 0 || into < 0) return startRates(before, counts, nowMs);
  if (elapsedMs < SHORTEST_MS) return before;

  const lesser = Math.min(out, into);
  const greater = Math.max(out, into);
  // Over a long time without a look, all packets may have come at its end.
  const quietBelow = (QUIET_BELOW_PER_S * Math.min(elapsedMs, QUIET_MS)) / 1_000;
  const isFresh = elapsedMs <= SIGNAL_STALE_AFTER_MS;
  const step = (says: CallActivity, callSeen: boolean, quietSinceMs: number | null = null): RateMemory => {
    return { counts, atMs: nowMs, quietSinceMs, callSeen, says };
  };
  if (greater < quietBelow) {
    const quietSinceMs = before.quietSinceMs ?? before.atMs;
    if (nowMs - quietSinceMs >= QUIET_MS) return step('idle', false, quietSinceMs);
    return step(before.callSeen ? 'on-call' : 'unknown', before.callSeen, quietSinceMs);
  }
  if (isFresh && lesser >= (CALL_PER_S * elapsedMs) / 1_000) return step('on-call', true);
  if (isFresh && before.callSeen && lesser >= quietBelow) return step('on-call', true);
  return step('unknown', before.callSeen);
}

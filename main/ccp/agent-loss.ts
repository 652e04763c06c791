import type { GateStatus } from '../../contracts/gate.ts';
import type { Snapshot } from '../../contracts/local-api.ts';

export type HeldGate = Pick<GateStatus, 'acting' | 'state' | 'wouldBe' | 'reason'>;

/** What the daemon last said. */
export interface LastWord {
  gate: HeldGate;
  loss: Snapshot['policy']['gate'];
  /** For how long IT's release still held the gate open when it was heard. */
  releaseLeftMs: number;
}

/** No daemon answers, and a restart of it would be over. `not-the-daemon`: somebody else does, or one that we do not understand. */
export interface Without {
  link: 'absent' | 'not-the-daemon';
  lostForMs: number;
  sinceHeardMs: number;
  /** It was proven idle when it was last heard, and nothing has played in the window since. */
  isQuiet: boolean;
}

const open = { state: 'open', wouldBe: 'open' } as const;

/**
 * The gate that the window keeps to without the daemon, as `gate agent-loss` does for the other enforcers: what the policy says
 * of its absence, bounded by `maxDrainMs` where a contact is possible. A policy that does not act closes nothing.
 */
export function gateWithout({ gate, loss, releaseLeftMs }: LastWord, without: Without): HeldGate {
  if (!gate.acting) return { ...gate, ...open };
  // Whoever is not understood may be a newer daemon that holds the gate closed: it opens nothing.
  if (loss.onAgentLoss === 'open') return without.link === 'absent' ? { ...gate, ...open } : gate;
  if (without.sinceHeardMs < releaseLeftMs) return { ...gate, ...open };
  if (gate.state === 'closed') return gate;
  const state = without.isQuiet || without.lostForMs >= loss.maxDrainMs ? 'closed' : 'draining';
  return { acting: true, state, wouldBe: state, reason: 'blocked' };
}

/** When time alone changes that; past or infinite where it does not. */
export function changesInMs({ loss, releaseLeftMs }: LastWord, { lostForMs, sinceHeardMs }: Without): number[] {
  return loss.onAgentLoss === 'open' ? [] : [loss.maxDrainMs - lostForMs, releaseLeftMs - sinceHeardMs];
}

import type { DeskView } from '../../contracts/ipc.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Standing, Verdict } from '../../contracts/verdict.ts';

/** The same answers, by the same names (`app.face.<kind>`), as the posture window gives; a test holds the two together. */
export type TrayKind =
  | 'connecting'
  | 'no-daemon'
  | 'not-the-daemon'
  | 'revoked'
  | 'not-enrolled'
  | 'pending'
  | 'first-look'
  | 'released'
  | 'clear'
  | 'caution'
  | 'countdown'
  | 'undetermined'
  | 'undetermined-closed'
  | 'draining'
  | 'blocked'
  | 'drain-expired'
  | 'would-block';

export interface TrayState {
  kind: TrayKind;
  /** Of `countdown` when it blocks, of `released` when that ends. */
  at: string | null;
  /** What was told once is too old to act upon. */
  isStale: boolean;
}

export function trayState({ link, snapshot }: Pick<DeskView, 'link' | 'snapshot'>, now: Date): TrayState {
  const only = (kind: TrayKind): TrayState => ({ kind, at: null, isStale: false });
  if (link === 'not-the-daemon') return only('not-the-daemon');
  if (link === 'absent') return only('no-daemon');
  if (snapshot === null) return only('connecting');
  return { ...answerOf(snapshot, now), isStale: link !== 'connected' };
}

function answerOf({ verdict, gate, fleet, releasedUntil }: Snapshot, now: Date): Pick<TrayState, 'kind' | 'at'> {
  const only = (kind: TrayKind) => ({ kind, at: null });
  if (fleet.state === 'revoked') return only('revoked');
  if (verdict === null) return only(fleet.state === 'not-enrolled' || fleet.state === 'pending' ? fleet.state : 'first-look');
  const standing = standingOf(verdict, now);
  const isHeldUp = standing === 'blocked' || standing === 'undetermined';
  if (isHeldUp && isAhead(releasedUntil, now)) return { kind: 'released', at: releasedUntil };
  if (gate.acting && gate.state === 'draining') return only('draining');
  if (gate.acting && gate.state === 'closed') {
    if (gate.reason === 'drain-expired') return only('drain-expired');
    return only(gate.reason.startsWith('undetermined') ? 'undetermined-closed' : 'blocked');
  }
  if (standing === 'blocked') return only(gate.acting ? 'blocked' : 'would-block');
  if (standing === 'undetermined') return only('undetermined');
  return isAhead(verdict.blocksAt, now) ? { kind: 'countdown', at: verdict.blocksAt } : only(standing);
}

/** A verdict that is too old decides nothing. */
export function standingOf({ standing, validUntil }: Pick<Verdict, 'standing' | 'validUntil'>, now: Date): Standing {
  return now.getTime() > Date.parse(validUntil) ? 'undetermined' : standing;
}

export function isAhead(at: string | null, now: Date): boolean {
  return at !== null && Date.parse(at) > now.getTime();
}

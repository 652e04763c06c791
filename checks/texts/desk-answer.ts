import type { DeskView } from '../../contracts/ipc.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { standingNow } from '../../contracts/verdict.ts';

/** May I take calls? Each answer has its own words (`app.face.<kind>`), the same in the tray and in the window. */
export const answerKinds = [
  'connecting',
  'no-daemon',
  'not-the-daemon',
  'revoked',
  'not-enrolled',
  'pending',
  'first-look',
  'released',
  'clear',
  'caution',
  /** Nothing of the desk is in the way of calls, and yet the CCP's window shows no CCP. */
  'not-shown',
  'countdown',
  'undetermined',
  'undetermined-closed',
  'draining',
  'blocked',
  'drain-expired',
  'would-block',
] as const;
export type AnswerKind = (typeof answerKinds)[number];

export interface DeskAnswer {
  kind: AnswerKind;
  /** Of `countdown` when it blocks, of `released` when that ends. */
  at: string | null;
  /** What was told once is too old to act upon. */
  isStale: boolean;
}

export function deskAnswer({ link, snapshot, ccpTrouble }: Pick<DeskView, 'link' | 'snapshot' | 'ccpTrouble'>, now: Date): DeskAnswer {
  // Whoever answers there now may not be the one who told us the last snapshot.
  if (link === 'not-the-daemon') return only('not-the-daemon');
  if (link === 'absent') return only('no-daemon');
  if (snapshot === null) return only('connecting');
  const answer = answerOf(snapshot, now);
  const isFit = answer.kind === 'clear' || answer.kind === 'caution';
  return { ...(isFit && ccpTrouble !== null ? only('not-shown') : answer), isStale: link !== 'connected' };
}

/** What a daemon that is gone, or somebody else, once told of the desk is not repeated. */
export function tellsOfDesk(kind: AnswerKind): boolean {
  return kind !== 'no-daemon' && kind !== 'not-the-daemon' && kind !== 'connecting';
}

function answerOf({ verdict, gate, fleet, releasedUntil }: Snapshot, now: Date): DeskAnswer {
  if (fleet.state === 'revoked') return only('revoked');
  if (verdict === null) return only(fleet.state === 'not-enrolled' || fleet.state === 'pending' ? fleet.state : 'first-look');
  const standing = standingNow(verdict, now.getTime());
  // Told only where it changes the answer.
  if (isAhead(releasedUntil, now) && (standing === 'blocked' || standing === 'undetermined')) return only('released', releasedUntil);
  if (gate.acting && gate.state === 'draining') return only('draining');
  if (gate.acting && gate.state === 'closed') {
    if (gate.reason === 'drain-expired') return only('drain-expired');
    return only(gate.reason.startsWith('undetermined') ? 'undetermined-closed' : 'blocked');
  }
  if (standing === 'blocked') return only(gate.acting ? 'blocked' : 'would-block');
  if (standing === 'undetermined') return only('undetermined');
  return isAhead(verdict.blocksAt, now) ? only('countdown', verdict.blocksAt) : only(standing);
}

function only(kind: AnswerKind, at: string | null = null): DeskAnswer {
  return { kind, at, isStale: false };
}

export function isAhead(at: string | null, now: Date): boolean {
  return at !== null && Date.parse(at) > now.getTime();
}

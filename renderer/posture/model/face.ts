import { standingNow } from '../../../checks/decide.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';

/** The one answer of the first screen. Each has its own words (`app.face.<kind>`) and its own shape. */
export const faceKinds = [
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
  'countdown',
  'undetermined',
  'undetermined-closed',
  'draining',
  'blocked',
  'drain-expired',
  'would-block',
] as const;
export type FaceKind = (typeof faceKinds)[number];

/** What the shape says: a colour never says it alone. */
export type FaceShape = 'go' | 'care' | 'stop' | 'ask' | 'wait' | 'off';

/** Said beside the answer, where it changes what the answer means. */
export type FaceNote = 'reconnecting' | 'observe' | 'unsigned-policy' | 'not-enrolled' | 'pending' | 'fleet-silent' | 'released';

export interface Face {
  kind: FaceKind;
  shape: FaceShape;
  notes: FaceNote[];
  /** Of `countdown` when it blocks, of `released` when that ends. */
  at: string | null;
}

const shapes: Readonly<Record<FaceKind, FaceShape>> = {
  connecting: 'wait',
  'no-daemon': 'off',
  'not-the-daemon': 'off',
  revoked: 'off',
  'not-enrolled': 'off',
  pending: 'wait',
  'first-look': 'wait',
  released: 'care',
  clear: 'go',
  caution: 'care',
  countdown: 'care',
  undetermined: 'ask',
  'undetermined-closed': 'stop',
  draining: 'care',
  blocked: 'stop',
  'drain-expired': 'stop',
  'would-block': 'care',
};

export function faceOf(view: DeskView, now: Date): Face {
  const { link, snapshot } = view;
  // Whoever answers there now may not be the one who told us the last snapshot.
  if (link === 'not-the-daemon') return face('not-the-daemon');
  if (link === 'absent') return face('no-daemon');
  if (snapshot === null) return face('connecting');
  const notes = notesOf(snapshot, now);
  if (link !== 'connected') notes.unshift('reconnecting');
  const { kind, at } = answerOf(snapshot, now);
  // What the answer says is not said again.
  return { ...face(kind, at), notes: notes.filter((note) => note !== kind) };
}

function face(kind: FaceKind, at: string | null = null): Face {
  return { kind, shape: shapes[kind], notes: [], at };
}

function answerOf({ verdict, gate, fleet, releasedUntil }: Snapshot, now: Date): { kind: FaceKind; at: string | null } {
  const only = (kind: FaceKind) => ({ kind, at: null });
  if (fleet.state === 'revoked') return only('revoked');
  if (verdict === null) return only(fleet.state === 'not-enrolled' || fleet.state === 'pending' ? fleet.state : 'first-look');
  const standing = standingNow(verdict, now.getTime());
  // Shown only where it changes the answer.
  if (isAhead(releasedUntil, now) && (standing === 'blocked' || standing === 'undetermined'))
    return { kind: 'released', at: releasedUntil };
  if (gate.acting) {
    if (gate.state === 'draining') return only('draining');
    if (gate.state === 'closed') {
      if (gate.reason === 'drain-expired') return only('drain-expired');
      return only(gate.reason.startsWith('undetermined') ? 'undetermined-closed' : 'blocked');
    }
  }
  if (standing === 'blocked') return only(gate.acting ? 'blocked' : 'would-block');
  if (standing === 'undetermined') return only('undetermined');
  if (verdict.blocksAt !== null && isAhead(verdict.blocksAt, now)) return { kind: 'countdown', at: verdict.blocksAt };
  return only(standing);
}

function notesOf({ gate, fleet, releasedUntil }: Snapshot, now: Date): FaceNote[] {
  const notes: FaceNote[] = [];
  if (fleet.state === 'not-enrolled' || fleet.state === 'pending') notes.push(fleet.state);
  else if (gate.notActingBecause === 'observe' || gate.notActingBecause === 'unsigned-policy') notes.push(gate.notActingBecause);
  if (fleet.state === 'enrolled' && fleet.trouble !== null) notes.push('fleet-silent');
  if (isAhead(releasedUntil, now)) notes.push('released');
  return notes;
}

function isAhead(at: string | null, now: Date): boolean {
  return at !== null && Date.parse(at) > now.getTime();
}

import { type AnswerKind, type DeskAnswer, deskAnswer, isAhead, tellsOfDesk } from '../../../checks/texts/desk-answer.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';

/** What the shape says: a colour never says it alone. */
export type FaceShape = 'go' | 'care' | 'stop' | 'ask' | 'wait' | 'off';

/** Said beside the answer, where it changes what the answer means. */
export type FaceNote = 'reconnecting' | 'observe' | 'unsigned-policy' | 'not-enrolled' | 'pending' | 'fleet-silent' | 'released';

/** The answer of the first screen. */
export interface Face extends DeskAnswer {
  shape: FaceShape;
  notes: FaceNote[];
}

const shapes: Readonly<Record<AnswerKind, FaceShape>> = {
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
  'not-shown': 'care',
  countdown: 'care',
  undetermined: 'ask',
  'undetermined-closed': 'stop',
  draining: 'care',
  blocked: 'stop',
  'drain-expired': 'stop',
  'would-block': 'care',
};

export function faceOf(view: DeskView, now: Date): Face {
  const answer = deskAnswer(view, now);
  const notes = view.snapshot !== null && tellsOfDesk(answer.kind) ? notesOf(view.snapshot, now) : [];
  if (answer.isStale) notes.unshift('reconnecting');
  // What the answer says is not said again.
  return { ...answer, shape: shapes[answer.kind], notes: notes.filter((note) => note !== answer.kind) };
}

function notesOf({ gate, fleet, releasedUntil }: Snapshot, now: Date): FaceNote[] {
  const notes: FaceNote[] = [];
  if (fleet.state === 'not-enrolled' || fleet.state === 'pending') notes.push(fleet.state);
  else if (gate.notActingBecause === 'observe' || gate.notActingBecause === 'unsigned-policy') notes.push(gate.notActingBecause);
  if (fleet.state === 'enrolled' && fleet.trouble !== null) notes.push('fleet-silent');
  if (isAhead(releasedUntil, now)) notes.push('released');
  return notes;
}

import type { Face } from './face.ts';

export interface Announcement {
  /** `assertive` interrupts what is being read, so only a block may. */
  how: 'polite' | 'assertive';
  what: Face;
}

/** What a screen reader is told when one answer follows another; null when it is the same. The first answer is the page itself. */
export function announce(before: Face | null, after: Face): Announcement | null {
  if (before === null || (before.kind === after.kind && before.at === after.at)) return null;
  // A time that moves a little is not news; that it counts is.
  if (before.kind === after.kind && after.kind === 'countdown') return null;
  return { how: after.shape === 'stop' ? 'assertive' : 'polite', what: after };
}

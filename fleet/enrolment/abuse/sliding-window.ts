/** Somebody's calls of the last window; the oldest are forgotten when there are too many somebodies. */
const MOST_SUBJECTS = 50_000;

interface Counted {
  /** Number of the window that `now` counts. */
  at: number;
  now: number;
  before: number;
}

export interface SlidingWindow {
  /** Counts one call. True when it is one too many; it then counts as none. */
  exceeds(subject: string, nowMs: number): boolean;
  forget(subject: string): void;
  size(): number;
}

/** At most `most` in any `windowMs`: exact from a standstill, and else as if the calls of the window before had come evenly. */
export function createSlidingWindow(most: number, windowMs: number, mostSubjects = MOST_SUBJECTS): SlidingWindow {
  const counts = new Map<string, Counted>();
  return {
    exceeds(subject, nowMs) {
      const at = Math.floor(nowMs / windowMs);
      const held = counts.get(subject);
      const before = held === undefined ? 0 : held.at === at ? held.before : held.at === at - 1 ? held.now : 0;
      const now = held?.at === at ? held.now : 0;
      const partLeft = 1 - (nowMs - at * windowMs) / windowMs;
      const isOver = now + 1 + before * partLeft > most;
      // At the end of the order: whoever calls is the last to be forgotten.
      counts.delete(subject);
      counts.set(subject, { at, now: isOver ? now : now + 1, before });
      if (counts.size > mostSubjects) {
        const [oldest] = counts.keys();
        if (oldest !== undefined) counts.delete(oldest);
      }
      return isOver;
    },
    forget: (subject) => void counts.delete(subject),
    size: () => counts.size,
  };
}

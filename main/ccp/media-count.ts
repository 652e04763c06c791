/** By then the end of every player of a page that was left is told. A stop of the new page that is taken for one costs a hold, and no call. */
const TOLD_LATE_MS = 3_000;

/**
 * Whether anything plays in a page, out of what Electron tells of it: players that start and stop, and whether the page can be
 * heard. A microphone that is open alone does not show in either.
 */
export function createMediaCount(onChange: (isLive: boolean) => void, monotonicMs: () => number) {
  let playing = 0;
  /** Players of the page before, whose end may be told only now. */
  let leaving = 0;
  let leftMs = Number.NEGATIVE_INFINITY;
  let isAudible = false;
  let isLive = false;
  const look = () => {
    const next = playing > 0 || isAudible;
    if (next === isLive) return;
    isLive = next;
    onChange(next);
  };
  return {
    started() {
      playing += 1;
      look();
    },
    stopped() {
      if (leaving > 0 && monotonicMs() - leftMs < TOLD_LATE_MS) {
        leaving -= 1;
        return;
      }
      // One that played before this page was watched.
      playing = Math.max(0, playing - 1);
      look();
    },
    audible(is: boolean) {
      isAudible = is;
      look();
    },
    /** Another document in the main frame: what played in the one before it is gone. Whether it can be heard is told of all of it. */
    anew() {
      leaving = playing;
      leftMs = monotonicMs();
      playing = 0;
      look();
    },
  };
}

/**
 * Whether anything plays in a page, out of what Electron tells of it: players that start and stop, and whether the page can be
 * heard. A microphone that is open alone does not show in either.
 */
export function createMediaCount(onChange: (isLive: boolean) => void) {
  let playing = 0;
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
      // One that played before this page was watched.
      playing = Math.max(0, playing - 1);
      look();
    },
    audible(is: boolean) {
      isAudible = is;
      look();
    },
    /** Another page: what played in the one before it is gone. */
    anew() {
      playing = 0;
      isAudible = false;
      look();
    },
  };
}

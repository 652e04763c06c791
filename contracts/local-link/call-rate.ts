/** A bucket of `burst` calls that fills up again at `perSecond`. */
export function createCallRate(perSecond: number, burst: number, monotonicMs: () => number): () => boolean {
  let left = burst;
  let filledMs = monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    left = Math.min(burst, left + ((nowMs - filledMs) / 1_000) * perSecond);
    filledMs = nowMs;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}

import type { DeepLink } from './deep-link.ts';

/**
 * Any web page may open a link of ours again and again, and a browser that was told to "always open" asks nobody. A look loads the
 * servers that it asks and opens the microphone; a window that comes forward takes the keyboard away.
 */
const EVERY_MS: Readonly<Record<DeepLink['kind'], number>> = { recheck: 30_000, open: 2_000, ccp: 2_000, check: 2_000 };

/** Whether a link is followed now: each kind once in a while. What is not followed is forgotten. */
export function createLinkPace(monotonicMs: () => number): (link: DeepLink) => boolean {
  const followedMs = new Map<DeepLink['kind'], number>();
  return ({ kind }) => {
    const nowMs = monotonicMs();
    if (nowMs - (followedMs.get(kind) ?? Number.NEGATIVE_INFINITY) < EVERY_MS[kind]) return false;
    followedMs.set(kind, nowMs);
    return true;
  };
}

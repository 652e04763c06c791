import type { After } from '../../../contracts/local-link/link.ts';

export interface SettlingAfter {
  after: After;
  nowMs(): number;
  /** How many wait. */
  waiting(): number;
  /** Runs what is due, in order, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
}

/** Promises of a few steps settle within it. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Time that stands still until it is told to go on, for what waits for promises too. */
export function settlingAfter(): SettlingAfter {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; run: () => void }>();
  return {
    nowMs: () => nowMs,
    waiting: () => timers.size,
    after(ms, run) {
      const timer = { atMs: nowMs + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
        if (!next) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
        await settle();
      }
      nowMs = endMs;
    },
  };
}

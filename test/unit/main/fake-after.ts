import type { After } from '../../../contracts/local-link/link.ts';

/** Time that stands still until it is told to go on. */
export function fakeTime(): { after: After; nowMs(): number; pass(ms: number): void; waits(): number } {
  let nowMs = 0;
  let made = 0;
  const waiting = new Map<number, { atMs: number; run: () => void }>();
  return {
    nowMs: () => nowMs,
    waits: () => waiting.size,
    after(ms, run) {
      made += 1;
      const number = made;
      waiting.set(number, { atMs: nowMs + ms, run });
      return () => waiting.delete(number);
    },
    pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const [next] = [...waiting].filter(([, { atMs }]) => atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs);
        if (!next) break;
        const [number, { atMs, run }] = next;
        waiting.delete(number);
        nowMs = Math.max(nowMs, atMs);
        run();
      }
      nowMs = untilMs;
    },
  };
}

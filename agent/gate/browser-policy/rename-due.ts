import type { BrowserProcess } from './browser-processes.ts';

/**
 * A browser may lose what is written while it starts, and would read it again after 15 min only. Measured: lost at 0 to
 * 1.5 s after the start, read at 3 s; a busy desk is slower.
 */
const AFTER_START_MS = [5_000, 15_000, 30_000, 60_000];
export const SETTLED_MS = 60_000;
/** No more often: each rename makes every browser read all its policies. */
const AGAIN_MS = 60_000;

/** Whether the file is to be renamed into its place anew, so that the browsers that run look again. Times since boot. */
export function isRenameDue(running: readonly BrowserProcess[], lastMs: number, nowMs: number): boolean {
  if (running.length === 0) return false;
  const reached = running.flatMap(({ startedMs }) => AFTER_START_MS.map((ms) => startedMs + ms)).filter((mark) => mark <= nowMs);
  return nowMs - lastMs >= AGAIN_MS || reached.some((mark) => lastMs < mark);
}

/** No rename was late enough after these starts to have surely been read. */
export function areSettling(running: readonly BrowserProcess[], lastMs: number): boolean {
  return running.some(({ startedMs }) => lastMs < startedMs + SETTLED_MS);
}

import type { DeskView } from '../../contracts/ipc.ts';
import type { After } from '../../contracts/local-link/link.ts';

/** A run changes the view with each finding; nobody reads faster than this. */
const EVERY_MS = 100;

/** Sends the newest view on at most once in a while: the first change at once, what follows together. */
export function tellViews(after: After, monotonicMs: () => number, send: (view: DeskView) => void): (view: DeskView) => void {
  let sentMs = Number.NEGATIVE_INFINITY;
  let waiting: { view: DeskView } | null = null;
  const flush = () => {
    if (!waiting) return;
    const { view } = waiting;
    waiting = null;
    sentMs = monotonicMs();
    send(view);
  };
  return (view) => {
    const isFirst = waiting === null;
    waiting = { view };
    const leftMs = sentMs + EVERY_MS - monotonicMs();
    if (leftMs <= 0) flush();
    else if (isFirst) after(leftMs, flush);
  };
}

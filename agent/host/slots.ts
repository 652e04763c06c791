/** Gives back some of what was taken. */
export type Release = (count?: number) => void;

export interface Slots {
  /** Waits for `count` free slots at once, first come first served. Nobody waits while holding, so nobody waits for ever. */
  take(count: number): Promise<Release>;
}

/** Limits open sockets. After an abort nobody waits any more: each step then ends at once by itself. */
export function createSlots(limit: number, signal: AbortSignal): Slots {
  let free = limit;
  const waiting: { count: number; go: () => void }[] = [];
  const wake = () => {
    for (let next = waiting[0]; next && (next.count <= free || signal.aborted); next = waiting[0]) {
      waiting.shift();
      free -= next.count;
      next.go();
    }
  };
  signal.addEventListener('abort', wake, { once: true });
  return {
    async take(wanted) {
      const count = Math.min(wanted, limit);
      await new Promise<void>((go) => {
        waiting.push({ count, go });
        wake();
      });
      let held = count;
      return (given = held) => {
        const back = Math.min(given, held);
        held -= back;
        free += back;
        wake();
      };
    },
  };
}

import { setTimeout as delay } from 'node:timers/promises';

export interface Observations {
  /** Notes what `look` gives, or that it throws and what. */
  see(name: string, look: () => unknown): Promise<void>;
  all(): Record<string, unknown>;
}

// An observation that hangs is one too.
const PATIENCE_MS = 6_000;

export function observations(): Observations {
  const seen: Record<string, unknown> = {};
  return {
    see: async (name, look) => {
      const late = delay(PATIENCE_MS, 'throws nothing and never ends', { ref: false });
      try {
        seen[name] = await Promise.race([look(), late]);
      } catch (error) {
        seen[name] = `throws ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    all: () => seen,
  };
}

/** Looks until it is so, or the patience ends. */
export async function until(isSo: () => boolean, patienceMs = 3_000): Promise<boolean> {
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    if (isSo()) return true;
    await delay(10);
  }
  return isSo();
}

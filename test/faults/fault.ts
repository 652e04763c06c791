import { randomInt } from 'node:crypto';
import type { TestContext } from 'vitest';
import { whyNoLab } from '../lab/with-lab.ts';

declare module 'vitest' {
  interface TaskMeta {
    fault?: { done: string; ended: string };
  }
}

/** `npm run test:faults` takes its time; `npm test` looks at a share. */
export const isFull = process.env.DESKWARDEN_FULL === '1';

const why = whyNoLab();
export const cannot = why !== null;

/** The name of a suite of faults, with why it is skipped where it is. */
export function faults(what: string): string {
  return `faults: ${what}${why === null ? '' : `: ${why}`}`;
}

/** For the table at the end of `npm run test:faults`. */
export function endedAs({ task }: Pick<TestContext, 'task'>, done: string, ended: string): void {
  task.meta.fault = { done, ended };
}

export interface Dice {
  seed: number;
  /** In [0, 1). */
  next(): number;
  /** In [0, below). */
  below(below: number): number;
  pick<T>(some: readonly T[]): T;
}

/** The same seed throws the same; `DESKWARDEN_SEED` repeats a run. mulberry32. */
export function newDice(seed = Number(process.env.DESKWARDEN_SEED ?? randomInt(2 ** 31))): Dice {
  let state = seed;
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    seed,
    next,
    below,
    pick(some) {
      const one = some[below(some.length)];
      if (one === undefined) throw new Error('nothing to pick from');
      return one;
    },
  };
}

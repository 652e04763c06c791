/** One line of the result. `met` is null for a figure without a budget, or one that could not be taken here. */
export interface Row {
  what: string;
  measured: string;
  baseline: string;
  budget: string;
  met: boolean | null;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Best of `rounds` in nanoseconds a call: the least disturbed one. `work` makes `calls` calls. */
export function nanosecondsPerCall(rounds: number, calls: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = process.hrtime.bigint();
    work();
    best = Math.min(best, Number(process.hrtime.bigint() - started) / calls);
  }
  return best;
}

export const ratio = (value: number, baseline: number) => `${(value / baseline).toPrecision(2)} x`;

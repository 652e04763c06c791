import type { QualitySample } from '../../../contracts/desk-history.ts';

export const measures = ['mos', 'rttMs', 'jitterMs', 'lossPercent'] as const;
export type Measure = (typeof measures)[number];

export interface Limits {
  warn: number;
  fail: number;
}

/** Of the estimated score more is better, of everything else less. */
export function gradeOf(measure: Measure, value: number, { warn, fail }: Limits): 'good' | 'fair' | 'poor' {
  const exceeds = (limit: number) => (measure === 'mos' ? value < limit : value > limit);
  if (exceeds(fail)) return 'poor';
  return exceeds(warn) ? 'fair' : 'good';
}

/** More than two measurements apart the line is broken: nobody looked meanwhile. A measurement is due every 20 minutes. */
const GAP_MS = 65 * 60_000;

/** Seconds and values as the plot takes them; null breaks the line. */
export function series(samples: readonly QualitySample[], measure: Measure): [number[], (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  let before: number | null = null;
  for (const sample of samples) {
    const atMs = Date.parse(sample.at);
    if (before !== null && atMs - before > GAP_MS) {
      times.push((before + 1_000) / 1_000);
      values.push(null);
    }
    times.push(atMs / 1_000);
    values.push(sample[measure]);
    before = atMs;
  }
  return [times, values];
}

/** Beyond this many times the limit a plot would show one outage and nothing else. */
const MOST = 3;

/** The range of a plot: all values but outages, and the first limit, so that one sees how far away it is. */
export function plotRange(measure: Measure, values: readonly (number | null)[], { warn, fail }: Limits): [number, number] {
  if (measure === 'mos') return [1, 4.5];
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  return [0, Math.max(warn * 1.25, highest > warn ? fail * 1.1 : 0, Math.min(highest * 1.1, fail * MOST))];
}

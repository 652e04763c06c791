import { z } from 'zod';
import { CheckId } from './finding.ts';
import { Standing } from './verdict.ts';

/** One measurement of `network.media-quality`: the whole series against one TURN host, as its evidence has it. */
export const QualitySample = z.strictObject({
  at: z.iso.datetime(),
  /** Median of the round trips, milliseconds; null where nothing came back. */
  rttMs: z.number().nonnegative().nullable(),
  jitterMs: z.number().nonnegative().nullable(),
  lossPercent: z.number().min(0).max(100),
  /** Estimated by the E-model; null where it cannot be. */
  mos: z.number().min(1).max(5).nullable(),
});
export type QualitySample = z.infer<typeof QualitySample>;

/** The standing became another, or its causes did. */
export const StandingChange = z.strictObject({
  at: z.iso.datetime(),
  standing: Standing,
  /** Checks in its way, sorted; of a `clear` none. */
  causes: z.array(CheckId).max(50),
});
export type StandingChange = z.infer<typeof StandingChange>;

/** From the first to the last judgement without a gap: outside of these nobody judged this desk. */
export const WatchedSpan = z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime() });
export type WatchedSpan = z.infer<typeof WatchedSpan>;

/** The last 24 hours, oldest first, and before them the standing that they began with; bounded, so that a desk that flaps loses the oldest. */
export const DeskHistory = z.strictObject({
  quality: z.array(QualitySample).max(300),
  standings: z.array(StandingChange).max(500),
  /** Apart from each other, oldest first. A standing holds only inside them. */
  watched: z.array(WatchedSpan).max(200),
});
export type DeskHistory = z.infer<typeof DeskHistory>;

import { z } from 'zod';
import type { QualitySample } from '../../contracts/desk-history.ts';
import type { Finding } from '../../contracts/finding.ts';

/** What is needed of the evidence of `network.media-quality`, whichever revision of it. */
const Evidence = z.object({
  rttMs: z.array(z.number().nullable()),
  figures: z
    .object({
      rttMs: z.number().min(0),
      jitterMs: z.number().min(0),
      lossPercent: z.number().min(0).max(100),
      mos: z.number().min(1).max(5),
    })
    .nullable(),
});

/** What a finding measured of call quality; null for one of another check, and where no packet left the desk. */
export function qualitySample({ check, evidence, observedAt }: Pick<Finding, 'check' | 'evidence' | 'observedAt'>): QualitySample | null {
  const seen = check === 'network.media-quality' ? Evidence.safeParse(evidence) : null;
  if (!seen?.success) return null;
  const { rttMs, figures } = seen.data;
  if (figures) {
    const { rttMs: median, jitterMs, lossPercent, mos } = figures;
    return { at: observedAt, rttMs: median, jitterMs, lossPercent, mos };
  }
  // Not one came back: no figure but the loss is known.
  return rttMs.length > 0 ? { at: observedAt, rttMs: null, jitterMs: null, lossPercent: 100, mos: null } : null;
}

import { z } from 'zod';

const DAYS_PER_YEAR = 365;
const Days = (least: number) =>
  z
    .int()
    .min(least)
    .max(20 * DAYS_PER_YEAR);

/** Days for which each stream is kept; chosen when a tenant is made, and by nobody left out. What is older is deleted. */
export const RetentionSettings = z.strictObject({
  /** Changes of findings with their evidence, of standings, and releases. */
  history: Days(7),
  /** Seconds a day that a desk stood how. */
  rollups: Days(30),
  /** Calls, and uses of keys. Three months can be looked at without an archive. */
  audit: Days(90),
});
export type RetentionSettings = z.infer<typeof RetentionSettings>;

export const retentionTemplates = {
  standard: { history: 90, rollups: 3 * DAYS_PER_YEAR, audit: 7 * DAYS_PER_YEAR },
  /** PCI DSS 10.5.1: a year of audit, three months of it at hand. */
  pci: { history: 90, rollups: DAYS_PER_YEAR, audit: DAYS_PER_YEAR },
  /** 45 CFR 164.316(b)(2): six years. */
  hipaa: { history: 90, rollups: 6 * DAYS_PER_YEAR, audit: 6 * DAYS_PER_YEAR },
} as const satisfies Record<string, RetentionSettings>;

import { z } from 'zod';
import { defineCheck } from '../check.ts';

const DAY_MS = 24 * 60 * 60_000;

export default defineCheck({
  id: 'network.allowlist-freshness',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'operations',
  controls: [],
  timeoutMs: 1_000,
  rule: { everyMs: 3_600_000, settleMs: 0, graceMs: 0, on: { fail: 'warn', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({
    warnAfterDays: z
      .number()
      .positive()
      .default(44)
      .describe(
        'AWS publishes a range 30 days before its use and shifts traffic to it over 2 weeks: an older list may miss one in full use',
      ),
    failAfterDays: z.number().positive().default(180).describe('Our number; AWS states none'),
  }),
  evidence: z.strictObject({
    revision: z.number().meta({ class: 'public' }),
    createdAt: z.string().meta({ class: 'public' }),
    ageDays: z.number().describe('By the clock of this desk; negative when that clock is before the list').meta({ class: 'public' }),
  }),
  reasons: ['old', 'too-old', 'from-the-future'],

  async probe(host, { plan }) {
    const ageMs = host.clock.wallMs() - Date.parse(plan.allowlist.createdAt);
    return { seen: true, value: { ...plan.allowlist, ageDays: Math.floor(ageMs / DAY_MS) } };
  },

  evaluate({ ageDays, createdAt }, { params }) {
    const args = { days: Math.abs(ageDays), date: createdAt.slice(0, 10) };
    // A day of slack: the list may come from a time zone that is ahead.
    if (ageDays < -1) return { kind: 'degraded', reason: 'from-the-future', args };
    if (ageDays > params.failAfterDays) return { kind: 'fail', reason: 'too-old', args };
    if (ageDays > params.warnAfterDays) return { kind: 'degraded', reason: 'old', args };
    return { kind: 'pass' };
  },
});

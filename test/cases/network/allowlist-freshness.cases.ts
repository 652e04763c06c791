import check from '../../../checks/network/allowlist-freshness.check.ts';
import { defineCases } from '../define-cases.ts';

const aged = (ageDays: number) => ({ revision: 1, createdAt: '2026-08-22T15:17:05Z', ageDays });

export default defineCases(check, [
  { name: 'fresh', evidence: aged(3), outcome: { kind: 'pass' } },
  { name: "at the end of AWS's notice and ramp", evidence: aged(44), outcome: { kind: 'pass' } },
  { name: 'old', evidence: aged(45), outcome: { kind: 'degraded', reason: 'old', args: { days: 45, date: '2026-08-22' } } },
  { name: 'too old', evidence: aged(181), outcome: { kind: 'fail', reason: 'too-old', args: { days: 181, date: '2026-08-22' } } },
  { name: 'from a time zone that is ahead', evidence: aged(-1), outcome: { kind: 'pass' } },
  {
    name: 'from the future',
    evidence: aged(-30),
    outcome: { kind: 'degraded', reason: 'from-the-future', args: { days: 30, date: '2026-08-22' } },
  },
]);

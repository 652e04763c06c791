import { z } from 'zod';
import { Outcome } from '../../contracts/outcome.ts';
import type { Place } from '../crypto/place.ts';

/** What stands sealed in `finding.detail_sealed` and `finding_change.detail_sealed`, as JSON. */
export const FindingDetail = z.strictObject({ outcome: Outcome.nullable(), evidence: z.unknown() });
export type FindingDetail = z.infer<typeof FindingDetail>;

export function findingDetail(outcome: Outcome, evidence: unknown): string {
  return JSON.stringify({ outcome, evidence: evidence ?? null });
}

/** Of a finding that a full report no longer has. */
export const goneDetail = JSON.stringify({ outcome: null, evidence: null });

/** A row of the table `finding` has no id of its own. */
export function findingPlace(device: string, rule: string): Place {
  return { table: 'finding', row: `${device}|${rule}`, field: 'detail_sealed' };
}

export function findingChangePlace(id: string): Place {
  return { table: 'finding_change', row: id, field: 'detail_sealed' };
}

import type { AnyCheck } from '../../checks/check.ts';
import type { Finding, RuleId } from '../../contracts/finding.ts';
import type { Report, SealedFields } from '../../contracts/report.ts';
import { minimiseFinding } from './minimise-finding.ts';
import { findingEssence } from './report-essence.ts';

/** With the largest `sealed` beside it, a report stays below 256 KiB. */
export const MAX_REPORT_BYTES = 256 * 1024;
const MAX_DRAFT_BYTES = MAX_REPORT_BYTES - 101_000;
const MAX_RELEASES = 50;

/** A report before the outbox gives it its place. */
export type ReportDraft = Omit<Report, 'id' | 'epoch' | 'seq' | 'sealed'>;

/** The desk as it is: findings whole, `releases` those that no report has told of, the oldest first. */
export type DeskView = Omit<ReportDraft, 'schema' | 'scope' | 'madeAt'>;

export interface ReportInput {
  view: DeskView;
  scope: Report['scope'];
  /** Essences of the findings as last reported, by rule. */
  reported: ReadonlyMap<RuleId, string>;
  madeAt: string;
  checks: readonly AnyCheck[];
  allowed: readonly string[];
}

export function buildReport({ view, scope, reported, madeAt, checks, allowed }: ReportInput): {
  draft: ReportDraft;
  restricted: SealedFields;
} {
  const told = scope === 'full' ? view.findings : view.findings.filter((finding) => findingEssence(finding) !== reported.get(finding.rule));
  const restricted: SealedFields = {};
  const findings = told.map((whole) => {
    const minimised = minimiseFinding(
      checks.find((check) => check.id === whole.check),
      whole,
      allowed,
    );
    if (Object.keys(minimised.restricted).length > 0) restricted[whole.rule] = minimised.restricted;
    return minimised.finding;
  });
  const releases = view.releases.slice(0, MAX_RELEASES);
  return { draft: within(MAX_DRAFT_BYTES, { schema: 1, ...view, scope, madeAt, releases, findings }), restricted };
}

/**
 * Takes away the largest evidence, and if that is not enough the largest outcomes' words. What is left, the verdict and
 * 200 findings of some 400 bytes each, fits for all but a verdict of thousands of rule ids.
 */
function within(maxBytes: number, draft: ReportDraft): ReportDraft {
  let excess = bytesOf(draft) - maxBytes;
  const findings = [...draft.findings];
  for (const cut of [withoutEvidence, withoutWords]) {
    const order = [...findings.keys()].sort((a, b) => bytesOf(findings[b]) - bytesOf(findings[a]));
    for (const index of order) {
      const finding = findings[index];
      if (excess <= 0 || finding === undefined) break;
      const less = cut(finding);
      findings[index] = less;
      excess -= bytesOf(finding) - bytesOf(less);
    }
  }
  return { ...draft, findings };
}

function withoutEvidence(finding: Finding): Finding {
  return finding.evidence === null ? finding : { ...finding, evidence: null, partial: true };
}

function withoutWords(finding: Finding): Finding {
  const { outcome } = finding;
  if (outcome.kind === 'unknown') return { ...finding, outcome: { ...outcome, detail: '' } };
  return outcome.kind === 'fail' || outcome.kind === 'degraded' ? { ...finding, outcome: { ...outcome, args: {} } } : finding;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

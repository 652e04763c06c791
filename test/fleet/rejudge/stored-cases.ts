import { catalog } from '../../../checks/catalog.ts';
import type { AnyCheck } from '../../../checks/check.ts';
import type { Plan } from '../../../checks/plan.ts';
import { type Finding, RuleId } from '../../../contracts/finding.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import type { StoredFinding } from '../../../fleet/rejudge/judge-rule.ts';
import type { Case } from '../../cases/define-cases.ts';
import { judgeCase, loadCases, planOf } from '../../cases/load-cases.ts';

export interface StoredCase {
  check: AnyCheck;
  row: Case;
  plan: Plan;
}

/** Every case of every check: what real desks can have seen. */
export const storedCases: StoredCase[] = (
  await Promise.all(catalog.map(async (check) => ((await loadCases(check))?.cases ?? []).map((row) => ({ check, row, plan: planOf(row) }))))
).flat();

export function codeOf(outcome: Outcome): string | null {
  if (outcome.kind === 'unknown') return outcome.cause;
  if (outcome.kind === 'not-applicable') return outcome.because;
  return outcome.kind === 'pass' ? null : outcome.reason;
}

/** As it is read back from the store: evidence was JSON. */
export function stored(
  check: Pick<AnyCheck, 'id' | 'revision'>,
  outcome: Outcome,
  evidence: unknown,
  more: Partial<StoredFinding> = {},
): StoredFinding {
  return {
    rule: RuleId.parse(check.id),
    check: check.id,
    revision: check.revision,
    vantage: 'endpoint',
    partial: false,
    kind: outcome.kind,
    code: codeOf(outcome),
    observedAt: new Date('2026-03-02T08:00:00Z'),
    detail: { outcome, evidence: JSON.parse(JSON.stringify(evidence ?? null)) },
    ...more,
  };
}

export function storedCase({ check, row }: StoredCase): StoredFinding {
  return stored(check, judgeCase(check, row), row.evidence, { vantage: row.vantage ?? 'endpoint' });
}

/** As a desk reports it. */
export function reported({ rule, check, revision, vantage, partial, detail }: StoredFinding, at: string): Finding {
  return {
    ...{ rule, check, revision, vantage, partial },
    venue: 'daemon',
    outcome: detail?.outcome ?? { kind: 'pass' },
    evidence: detail?.evidence ?? null,
    ...{ observedAt: at, since: at, lastPassAt: at, badForMs: 0, goodRuns: 0, tookMs: 1 },
  };
}

import type { AnyCheck } from '../../checks/check.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';

/** One row of a check's table: what was seen, and the whole outcome. Rows are the examples in docs/checks.md. */
export interface Case {
  /** A sentence part that says what is special about this desk: `one resolver does not answer`. */
  name: string;
  evidence: unknown;
  /** Beside the defaults of the check. */
  params?: Readonly<Record<string, unknown>>;
  /** Beside `acmePlan()`: instance acme in us-west-2 by the bundled allowlist. */
  plan?: Partial<Plan>;
  /** `endpoint` where it is left out. */
  vantage?: Vantage;
  outcome: Outcome;
}

export interface CaseTable {
  check: AnyCheck;
  cases: readonly Case[];
}

export function defineCases(check: AnyCheck, cases: readonly Case[]): CaseTable {
  return { check, cases };
}

import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyCheck } from '../../checks/check.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { acmePlan } from './acme-plan.ts';
import type { Case, CaseTable } from './define-cases.ts';

/** `test/cases/<domain>/<name>.cases.ts`, from the root of the repository. */
export function casesPath(id: string): string {
  return `test/cases/${id.replace('.', '/')}.cases.ts`;
}

/** The table of a check; null when there is none. */
export async function loadCases(check: AnyCheck): Promise<CaseTable | null> {
  const filePath = path.join(import.meta.dirname, '../..', casesPath(check.id));
  if (!existsSync(filePath)) return null;
  const module = (await import(pathToFileURL(filePath).href)) as { default: CaseTable };
  return module.default;
}

const defaultPlan = acmePlan();

export function planOf({ plan }: Pick<Case, 'plan'>): Plan {
  return plan ? { ...defaultPlan, ...plan } : defaultPlan;
}

export function judgeCase(check: AnyCheck, row: Omit<Case, 'name' | 'outcome'>): Outcome {
  return check.judge(row.evidence, row.params ?? {}, planOf(row), row.vantage ?? 'endpoint');
}

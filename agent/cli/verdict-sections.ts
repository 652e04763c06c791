import type { CheckId, Finding, RuleId } from '../../contracts/finding.ts';
import type { Instance } from '../../contracts/instance.ts';
import { isBad } from '../../contracts/outcome.ts';
import type { Enforcement, Rule } from '../../contracts/policy.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import type { Cause } from '../../contracts/verdict.ts';

/** What the document alone does not tell. */
export interface RunFacts {
  policy: { rules: readonly Pick<Rule, 'id' | 'check' | 'on'>[]; instance: Pick<Instance, 'alias' | 'region'> };
  /** True when `--only` left rules out. */
  only: boolean;
  /** Rules that run only in the agent's own session. */
  notRun: readonly RuleId[];
  /** For what has gone on all day: since when. A single run has a duration instead. */
  since?: string;
}

export interface Trouble {
  rule: RuleId;
  check: CheckId;
  finding: Finding | null;
  cause: Cause | null;
  /** Rules whose bad outcome follows from this one. */
  explains: { rule: RuleId; check: CheckId }[];
}

export type TroubleKind = Enforcement | 'undetermined';

export interface Sections {
  troubles: { kind: TroubleKind; items: Trouble[] }[];
  fine: Finding[];
  notApplicable: Finding[];
  notRun: { rule: RuleId; check: CheckId }[];
}

const order: readonly TroubleKind[] = ['block', 'undetermined', 'warn', 'note'];
const weight: Readonly<Record<Enforcement, number>> = { block: 2, warn: 1, note: 0 };

/** Every finding stands in exactly one place, so that nothing bad goes unsaid. */
export function sectionsOf({ verdict, findings }: CheckDocument, { policy, notRun }: RunFacts): Sections {
  const findingOf = new Map(findings.map((finding) => [finding.rule, finding]));
  const ruleOf = new Map(policy.rules.map((rule) => [rule.id, rule]));
  const named = (rule: RuleId) => {
    const check = findingOf.get(rule)?.check ?? ruleOf.get(rule)?.check;
    return check === undefined ? [] : [{ rule, check }];
  };
  const enforced = (rule: RuleId): Enforcement => {
    const outcome = findingOf.get(rule)?.outcome;
    return (outcome && isBad(outcome) && ruleOf.get(rule)?.on[outcome.kind]) || 'note';
  };
  const heavier = (a: Enforcement, b: Enforcement) => (weight[b] > weight[a] ? b : a);

  const taken = new Set<RuleId>();
  const found: { kind: TroubleKind; item: Trouble }[] = [];
  const add = (kind: TroubleKind, item: Trouble) => {
    found.push({ kind, item });
    for (const rule of [item.rule, ...item.explains.map((one) => one.rule)]) taken.add(rule);
  };
  for (const cause of verdict.causes) {
    // A root that is only noted stands as high as the worst of what it explains.
    const kind = cause.explains.map(enforced).reduce(heavier, cause.enforcement);
    const { rule, check, explains } = cause;
    add(kind, { rule, check, cause, finding: findingOf.get(rule) ?? null, explains: explains.flatMap(named) });
  }
  for (const { rule, check } of verdict.undetermined.flatMap(named)) {
    if (!taken.has(rule)) add('undetermined', { rule, check, cause: null, finding: findingOf.get(rule) ?? null, explains: [] });
  }
  for (const finding of findings) {
    const { rule, check, outcome } = finding;
    if (!taken.has(rule) && isBad(outcome)) add('note', { rule, check, cause: null, finding, explains: [] });
  }

  const rest = findings.filter(({ rule }) => !taken.has(rule));
  const notRunHere = notRun.filter((rule) => !taken.has(rule) && !findingOf.has(rule));
  return {
    troubles: order
      .map((kind) => ({ kind, items: found.filter((one) => one.kind === kind).map(({ item }) => item) }))
      .filter(({ items }) => items.length > 0),
    fine: rest.filter(({ outcome }) => outcome.kind === 'pass'),
    notApplicable: rest.filter(({ outcome }) => outcome.kind === 'not-applicable'),
    notRun: notRunHere.flatMap(named),
  };
}

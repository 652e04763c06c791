import { isDeepStrictEqual } from 'node:util';
import type { AnyCheck } from '../../checks/check.ts';
import type { Finding, Vantage } from '../../contracts/finding.ts';
import { type BlindCause, type NotApplicableReason, Outcome } from '../../contracts/outcome.ts';
import type { Policy, Rule } from '../../contracts/policy.ts';
import { canonicalJson } from '../documents/content-hash.ts';
import type { DeskEvidence, Draft } from './rejudge-desk.ts';

/** A row of the table `finding`. `detail`: null where it was not opened. */
export interface StoredFinding extends Pick<Finding, 'rule' | 'check' | 'revision' | 'vantage' | 'partial'> {
  kind: Outcome['kind'];
  code: string | null;
  observedAt: Date;
  detail: { outcome: Outcome | null; evidence: unknown } | null;
}

/** Why nothing is known of what a rule would say. */
export type NotCollected = 'never-ran' | 'partial' | 'other-revision' | 'other-plan' | 'not-looked' | 'unknown-check' | 'unfit';

/** `kept`: the desk's own judgement, of the very same question; `judged`: anew, over its evidence. */
export interface Answered {
  how: 'kept' | 'judged';
  outcome: Outcome;
}

/** What a desk judged under: its policy, and the allowlist that made its plan. */
export interface Basis {
  policy: Policy;
  allowlist: number;
}

/**
 * Rules of the draft whose check, parameters and plan are those by which the desk has judged already. A judgement is a pure
 * function of these and the evidence, so the desk's own stands, also where parts of the evidence never left it.
 */
export function sameQuestions(draft: Basis, before: Basis | null, checks: readonly AnyCheck[]): Set<string> {
  if (!before || planKey(before) !== planKey(draft)) return new Set();
  const known = new Map(before.policy.rules.map((rule) => [rule.id, rule]));
  return new Set(
    draft.policy.rules
      .filter((rule) => {
        const old = known.get(rule.id);
        return old?.check === rule.check && isDeepStrictEqual(paramsOf(old, checks), paramsOf(rule, checks));
      })
      .map(({ id }) => id),
  );
}

/** The stored finding that a rule of the draft is judged by: its own, or the newest of the same check under another rule. */
export function findingFor(rule: Pick<Rule, 'id' | 'check'>, findings: readonly StoredFinding[]): StoredFinding | undefined {
  const ofCheck = findings.filter((finding) => finding.check === rule.check);
  return (
    ofCheck.find((finding) => finding.rule === rule.id) ?? ofCheck.toSorted((a, b) => b.observedAt.getTime() - a.observedAt.getTime())[0]
  );
}

/** Whether a rule's answer takes more than the row's plain columns. */
export function needsDetail(rule: Pick<Rule, 'id' | 'check'>, finding: StoredFinding, same: ReadonlySet<string>): boolean {
  return !(same.has(rule.id) && finding.rule === rule.id);
}

export function judgeRule(
  rule: Rule,
  { checks, plan }: Draft,
  { findings, same }: DeskEvidence,
  vantage: Vantage,
): Answered | { notCollected: NotCollected } {
  const finding = findingFor(rule, findings);
  if (!finding) return { notCollected: 'never-ran' };
  if (finding.rule === rule.id && same.has(rule.id)) return kept(finding);
  const check = checks.find((one) => one.id === rule.check);
  if (!check) return { notCollected: 'unknown-check' };
  // No parameter and no plan makes a check run on another operating system, or on a desk that lacks it.
  if (finding.code === 'platform' || (finding.kind === 'unknown' && finding.code === 'unsupported')) return kept(finding);
  if (finding.revision !== check.revision) return { notCollected: 'other-revision' };
  const evidence = finding.partial ? null : (finding.detail?.evidence ?? null);
  if (evidence === null) {
    const absent = whereNothingIsSeen(check, rule, plan, vantage);
    if (absent) return { how: 'judged', outcome: absent };
    if (finding.partial) return { notCollected: 'partial' };
    // A desk that could not look cannot under another policy either.
    const isBlind = finding.kind === 'unknown' && finding.code !== 'not-collected';
    return isBlind ? kept(finding) : { notCollected: 'not-looked' };
  }
  try {
    const outcome = Outcome.parse(check.judge(evidence, rule.params, plan, vantage));
    const isOfAnotherPlan = outcome.kind === 'unknown' && outcome.cause === 'not-collected';
    return isOfAnotherPlan ? { notCollected: 'other-plan' } : { how: 'judged', outcome };
  } catch {
    return { notCollected: 'unfit' };
  }
}

/** Asked before the evidence is looked at; with none at all, a check that applies refuses. */
function whereNothingIsSeen(check: AnyCheck, rule: Rule, plan: Draft['plan'], vantage: Vantage): Outcome | null {
  try {
    const outcome = check.judge(undefined, rule.params, plan, vantage);
    return outcome.kind === 'not-applicable' ? outcome : null;
  } catch {
    return null;
  }
}

function kept({ kind, code, detail }: StoredFinding): Answered | { notCollected: NotCollected } {
  if (kind === 'unknown' && code === 'not-collected') return { notCollected: 'not-looked' };
  return { how: 'kept', outcome: detail?.outcome ?? outcomeOf(kind, code ?? '') };
}

/** Without its args, which only words need. */
function outcomeOf(kind: Outcome['kind'], code: string): Outcome {
  switch (kind) {
    case 'pass':
      return { kind };
    case 'unknown':
      return { kind, cause: code as BlindCause, detail: '' };
    case 'not-applicable':
      return { kind, because: code as NotApplicableReason };
    default:
      return { kind, reason: code, args: {} };
  }
}

function planKey({ policy: { instance, features, network }, allowlist }: Basis): string {
  return canonicalJson({ instance, features, network, allowlist });
}

/** With the check's defaults filled in; as they stand where this version lacks the check, or would refuse them. */
function paramsOf(rule: Rule, checks: readonly AnyCheck[]): unknown {
  const parsed = checks.find((one) => one.id === rule.check)?.params.safeParse(rule.params);
  return parsed?.success ? parsed.data : rule.params;
}

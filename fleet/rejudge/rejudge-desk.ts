import type { AnyCheck } from '../../checks/check.ts';
import { decide } from '../../checks/decide.ts';
import { recordRun } from '../../checks/history.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Finding, Vantage } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import type { Policy, Rule } from '../../contracts/policy.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { Waiver } from '../../contracts/waiver.ts';
import { type Answered, judgeRule, type NotCollected, type StoredFinding } from './judge-rule.ts';

/** A draft, ready to judge many desks by. */
export interface Draft {
  policy: Policy;
  plan: Plan;
  checks: readonly AnyCheck[];
}

export interface DeskEvidence {
  findings: readonly StoredFinding[];
  /** Rules of the draft that ask what the desk has answered already; see `sameQuestions`. */
  same: ReadonlySet<string>;
  waivers: readonly Pick<Waiver, 'id' | 'rule' | 'until'>[];
}

/** One rule that counts against the desk. */
export interface Why {
  rule: string;
  enforcement: 'block' | 'warn' | 'note';
  kind: Outcome['kind'];
  /** Reason, or blind cause. */
  code: string | null;
}

export interface Rejudged {
  standing: Standing;
  /** Rules that count, the gravest first. */
  why: Why[];
  notCollected: { rule: string; because: NotCollected }[];
  judged: number;
  kept: number;
}

/**
 * What would hold on a desk under the draft once everything has settled: as the one-shot run does, `settleMs` and `graceMs` count
 * as nil and `recoverRuns` as one. A rule without evidence that can be judged is left out of the decision, so that one that can
 * block leaves the desk `undetermined` unless another blocks it: nobody knows what the desk would see.
 */
export function rejudgeDesk(draft: Draft, desk: DeskEvidence, now: Date): Rejudged {
  const vantage: Vantage = desk.findings[0]?.vantage ?? 'endpoint';
  const wallIso = now.toISOString();
  const answers = new Map<string, Answered>();
  const notCollected: Rejudged['notCollected'] = [];
  let kept = 0;
  for (const rule of draft.policy.rules) {
    if (rule.vantage !== undefined && rule.vantage !== vantage) continue;
    const answer = judgeRule(rule, draft, desk, vantage);
    if ('notCollected' in answer) notCollected.push({ rule: rule.id, because: answer.notCollected });
    else {
      answers.set(rule.id, answer);
      if (answer.how === 'kept') kept += 1;
    }
  }
  const rules = draft.policy.rules.map(settledAtOnce);
  const verdict = decide({
    policy: { ...draft.policy, rules },
    allowlist: draft.plan.allowlist,
    findings: rules.flatMap((rule) => findingOf(rule, answers.get(rule.id), vantage, wallIso)),
    history: new Map(
      rules.flatMap((rule) => {
        const answer = answers.get(rule.id);
        return answer ? [[rule.id, recordRun(undefined, rule, answer.outcome, { awakeMs: 0, wallIso })] as const] : [];
      }),
    ),
    needs: new Map(draft.checks.map((check) => [check.id, check.needs])),
    waivers: desk.waivers.map((waiver): Waiver => ({ schema: 1, ...waiver, reason: '', grantedBy: '' })),
    vantage,
    now: { wallMs: now.getTime(), awakeMs: 0 },
  });
  const waived = new Set(verdict.waivers.flatMap((id) => desk.waivers.filter((waiver) => waiver.id === id).map(({ rule }) => rule)));
  const why = rules
    .flatMap((rule) => whyOf(rule, answers.get(rule.id), waived))
    .sort((a, b) => weight[b.enforcement] - weight[a.enforcement]);
  return { standing: verdict.standing, why, notCollected, judged: answers.size - kept, kept };
}

const weight = { note: 0, warn: 1, block: 2 } as const;

function settledAtOnce(rule: Rule): Rule {
  return { ...rule, settleMs: 0, graceMs: 0, recoverRuns: 1 };
}

function findingOf(rule: Rule, answer: Answered | undefined, vantage: Vantage, wallIso: string): Finding[] {
  if (!answer) return [];
  return [
    {
      rule: rule.id,
      check: rule.check,
      revision: 0,
      venue: 'daemon',
      vantage,
      outcome: answer.outcome,
      evidence: null,
      partial: false,
      observedAt: wallIso,
      since: wallIso,
      lastPassAt: null,
      badForMs: 0,
      goodRuns: 0,
      tookMs: 0,
    },
  ];
}

function whyOf(rule: Rule, answer: Answered | undefined, waived: ReadonlySet<string>): Why[] {
  if (!answer) return [];
  const { outcome } = answer;
  if (outcome.kind === 'pass' || outcome.kind === 'not-applicable') return [];
  // A check that the desk lacks holds nobody up: checks/enforcement.ts.
  const isLacking = outcome.kind === 'unknown' && outcome.cause === 'unsupported';
  const asked = isLacking ? 'note' : rule.on[outcome.kind];
  const enforcement = asked === 'block' && waived.has(rule.id) ? 'warn' : asked;
  return [{ rule: rule.id, enforcement, kind: outcome.kind, code: outcome.kind === 'unknown' ? outcome.cause : outcome.reason }];
}

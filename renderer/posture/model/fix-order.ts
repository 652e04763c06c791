import { enforcementOf } from '../../../checks/enforcement.ts';
import type { Texts, Who } from '../../../checks/texts/lookup.ts';
import type { CheckId, Finding, RuleId } from '../../../contracts/finding.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import { isBad } from '../../../contracts/outcome.ts';
import type { Cause } from '../../../contracts/verdict.ts';

/** What stands in the way, from what holds calls up now to what is only good to know. */
export const urgencies = ['blocks', 'will-block', 'undetermined', 'warn', 'note'] as const;
export type Urgency = (typeof urgencies)[number];

export interface Explained {
  rule: RuleId;
  check: CheckId;
  finding: Finding | null;
}

export interface FixItem {
  rule: RuleId;
  check: CheckId;
  urgency: Urgency;
  /** Null where nobody is named. */
  who: Who | null;
  blocksAt: string | null;
  waived: boolean;
  /** Who let it, until when and why; null where that is not told. */
  waiver: Snapshot['waivers'][number] | null;
  /** It passes again, and counts until it has passed often enough. */
  recovering: boolean;
  finding: Finding | null;
  explains: Explained[];
}

type Told = Pick<Snapshot, 'verdict' | 'findings' | 'policy' | 'waivers'>;

/**
 * What to do first comes first: what blocks now before what will; within it what the agent can mend at once before what
 * waits for IT, then what blocks soonest. Where all that is alike, the order of the verdict stands.
 */
export function fixOrder({ verdict, findings, policy, waivers }: Told, texts: Pick<Texts, 'outcome'>): FixItem[] {
  if (verdict === null) return [];
  const found = new Map(findings.map((finding) => [finding.rule, finding]));
  const rules = new Map(policy.rules.map((rule) => [rule.id, rule]));
  const describe = (rule: RuleId, check: CheckId) => {
    const finding = found.get(rule) ?? null;
    const bad = finding !== null && isBad(finding.outcome);
    return { rule, check, finding, who: bad ? texts.outcome(check, finding.outcome).who : null };
  };
  const checkOf = (rule: RuleId) => rules.get(rule)?.check ?? found.get(rule)?.check ?? null;

  /** The verdict tells of what is explained only that it is; its weight is that of its rule and its last outcome. */
  const explainedBlocks = (cause: Cause) =>
    cause.explains.some((id) => {
      const rule = rules.get(id);
      const outcome = found.get(id)?.outcome;
      return rule !== undefined && outcome !== undefined && enforcementOf(rule, outcome) === 'block';
    });

  const fromCauses = verdict.causes.map((cause): FixItem => {
    const own = describe(cause.rule, cause.check);
    let urgency: Urgency = cause.enforcement === 'block' ? (cause.blocksAt === null ? 'blocks' : 'will-block') : cause.enforcement;
    let { blocksAt } = cause;
    if (urgency !== 'blocks' && explainedBlocks(cause)) {
      if (verdict.standing === 'blocked') urgency = 'blocks';
      else if (urgency !== 'will-block' && verdict.blocksAt !== null) {
        urgency = 'will-block';
        blocksAt = verdict.blocksAt;
      }
    }
    return {
      ...own,
      urgency,
      blocksAt,
      waived: cause.waiver !== null,
      waiver: waivers.find(({ id }) => id === cause.waiver) ?? null,
      recovering: own.finding?.outcome.kind === 'pass',
      explains: cause.explains.flatMap((rule) => {
        const check = checkOf(rule);
        return check === null ? [] : [{ rule, check, finding: found.get(rule) ?? null }];
      }),
    };
  });

  const told = new Set(verdict.causes.flatMap(({ rule, explains }) => [rule, ...explains]));
  const open = verdict.undetermined.flatMap((rule): FixItem[] => {
    const check = checkOf(rule);
    if (check === null || told.has(rule)) return [];
    return [
      { ...describe(rule, check), urgency: 'undetermined', blocksAt: null, waived: false, waiver: null, recovering: false, explains: [] },
    ];
  });

  return [...fromCauses, ...open].sort(
    (a, b) =>
      urgencies.indexOf(a.urgency) - urgencies.indexOf(b.urgency) ||
      whoRank(a.who) - whoRank(b.who) ||
      (a.blocksAt ?? '').localeCompare(b.blocksAt ?? ''),
  );
}

function whoRank(who: Who | null): number {
  return who === 'agent' ? 0 : 1;
}

/** Rules whose last look was good or has nothing to say, and that no card tells of. */
export function whatIsFine({ verdict, findings }: Pick<Snapshot, 'verdict' | 'findings'>): { fine: Finding[]; apart: Finding[] } {
  const told = new Set([...(verdict?.undetermined ?? []), ...(verdict?.causes ?? []).flatMap(({ rule, explains }) => [rule, ...explains])]);
  const rest = findings.filter(({ rule }) => !told.has(rule));
  return {
    fine: rest.filter(({ outcome }) => outcome.kind === 'pass'),
    apart: rest.filter(({ outcome }) => outcome.kind !== 'pass'),
  };
}

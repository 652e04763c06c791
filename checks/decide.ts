import type { Finding, RuleId, Vantage } from '../contracts/finding.ts';
import type { RuleHistory, Streak } from '../contracts/history.ts';
import type { Enforcement, Policy, Rule } from '../contracts/policy.ts';
import type { Standing, Verdict } from '../contracts/verdict.ts';
import type { Waiver } from '../contracts/waiver.ts';
import { enforcementOf, enforcements, isAtLeast, isUnsupported } from './enforcement.ts';
import type { Hit, Needs } from './fold-causes.ts';
import { foldCauses, severityOf } from './fold-causes.ts';

/** Wall clock for display and for a waiver's end; awake-monotonic time for every duration. */
export interface DecisionTime {
  wallMs: number;
  awakeMs: number;
}

export interface DecisionInput {
  policy: Policy;
  allowlist: { revision: number };
  findings: readonly Finding[];
  history: ReadonlyMap<RuleId, RuleHistory>;
  needs: Needs;
  waivers: readonly Waiver[];
  vantage: Vantage;
  now: DecisionTime;
}

/** A finding is stale once this many of its rule's runs are overdue. */
const STALE_AFTER_RUNS = 3;

/** Folding explains, never pardons: the standing is taken over every hit, and causes are folded beside it. */
export function decide({ policy, allowlist, findings, history, needs, waivers, vantage, now }: DecisionInput): Verdict {
  const found = new Map(findings.map((finding) => [finding.rule, finding]));
  const rules = policy.rules.filter((rule) => rule.vantage === undefined || rule.vantage === vantage);
  const inForce = waiversInForce(waivers, rules, now.wallMs);
  const hits: Hit[] = [];
  const undetermined: RuleId[] = [];
  for (const rule of rules) {
    const assessed = assess(rule, found.get(rule.id), history.get(rule.id), inForce.get(rule.id), now);
    if (assessed === 'undetermined') undetermined.push(rule.id);
    else if (assessed !== null) hits.push(assessed);
  }
  return {
    policy: { id: policy.id, revision: policy.revision },
    allowlist: { revision: allowlist.revision },
    standing: standingOf(hits, undetermined),
    causes: foldCauses(hits, needs),
    undetermined,
    blocksAt: earliest(hits.flatMap((hit) => hit.blocksAt ?? [])),
    waivers: [...inForce.values()].map((waiver) => waiver.id),
    decidedAt: iso(now.wallMs),
    validUntil: iso(now.wallMs + policy.verdictTtlMs),
  };
}

/** By rule, the waiver that lasts longest. */
function waiversInForce(waivers: readonly Waiver[], rules: readonly Rule[], wallMs: number): Map<RuleId, Waiver> {
  const known = new Set(rules.map((rule) => rule.id));
  const inForce = new Map<RuleId, Waiver>();
  for (const waiver of waivers) {
    if (!known.has(waiver.rule) || !(Date.parse(waiver.until) > wallMs)) continue;
    const other = inForce.get(waiver.rule);
    if (!other || Date.parse(waiver.until) > Date.parse(other.until)) inForce.set(waiver.rule, waiver);
  }
  return inForce;
}

function assess(
  rule: Rule,
  finding: Finding | undefined,
  past: RuleHistory | undefined,
  waiver: Waiver | undefined,
  now: DecisionTime,
): Hit | 'undetermined' | null {
  const mayBlock = waiver === undefined && Object.values(rule.on).includes('block');
  const isKnown = finding?.check === rule.check && past !== undefined && isFresh(past, rule, now);
  if (!isKnown) return mayBlock ? 'undetermined' : null;
  const asked = isUnsupported(finding.outcome) ? null : enforcementOf(rule, finding.outcome);
  const isSettled = asked !== null && typeof past.streaks[asked]?.settledAtMs === 'number';
  const isOpen = asked !== null && past.lastPassAt === null && !isSettled;
  if (isOpen && mayBlock) return 'undetermined';

  const counted = strictest(rule, past);
  if (counted === null) return null;
  const { enforcement, streak } = counted;
  const hit = { rule: rule.id, check: rule.check, enforcement, blind: streak.lastBad.kind === 'unknown', blocksAt: null, waiver: null };
  if (enforcement !== 'block') return hit;
  if (waiver) return { ...hit, enforcement: 'warn', waiver: waiver.id };
  const graceLeftMs = rule.graceMs - Math.max(0, now.awakeMs - streak.settledAtMs);
  return { ...hit, blocksAt: graceLeftMs > 0 ? iso(now.wallMs + graceLeftMs) : null };
}

type Settled = Streak & { settledAtMs: number };

/**
 * The strictest thing whose streak has settled and has not ended. A policy that has become milder since the last run is
 * obeyed at once; one that has become stricter counts from the next run.
 */
function strictest(rule: Rule, { streaks }: RuleHistory): { enforcement: Enforcement; streak: Settled } | null {
  let found: { enforcement: Enforcement; streak: Settled } | null = null;
  for (const level of enforcements) {
    const streak = streaks[level];
    if (!streak || streak.settledAtMs === null || streak.missedRuns >= rule.recoverRuns) continue;
    const asked = enforcementOf(rule, streak.lastBad) ?? 'note';
    const enforcement = isAtLeast(asked, level) ? level : asked;
    if (found === null || isAtLeast(enforcement, found.enforcement))
      found = { enforcement, streak: { ...streak, settledAtMs: streak.settledAtMs } };
  }
  return found;
}

/** A finding from the future is one of another boot, whose age nobody knows. */
function isFresh(past: RuleHistory, rule: Rule, now: DecisionTime): boolean {
  const ageMs = now.awakeMs - past.observedAtMs;
  return ageMs >= 0 && ageMs <= STALE_AFTER_RUNS * rule.everyMs;
}

function standingOf(hits: readonly Hit[], undetermined: readonly RuleId[]): Standing {
  const worst = Math.max(0, ...hits.map(severityOf));
  if (worst === 3) return 'blocked';
  if (undetermined.length > 0) return 'undetermined';
  return worst > 0 ? 'caution' : 'clear';
}

function earliest(times: readonly string[]): string | null {
  return [...times].sort()[0] ?? null;
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

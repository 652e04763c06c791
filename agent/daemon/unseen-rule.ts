import type { Check } from '../../checks/check.ts';
import { enforcementOf, isAtLeast } from '../../checks/enforcement.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Finding, Vantage } from '../../contracts/finding.ts';
import type { RuleHistory } from '../../contracts/history.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import type { Rule } from '../../contracts/policy.ts';

/** A session says nothing for this long, by the rule's own runs, before there counts as none; a finding is stale after three. */
const SILENT_RUNS = 2.5;
/** After start or log-on, the tray app has this long to say something. Nobody waits for a finding that is only noted. */
const COMING_MS = 120_000;

const noSession: Outcome = { kind: 'unknown', cause: 'no-session', detail: 'no session of an agent has looked' };

export interface Unseen {
  rule: Rule;
  check: Check<'session'>;
  plan: Plan;
  vantage: Vantage;
  finding: Finding | undefined;
  past: RuleHistory | undefined;
  nowMs: number;
  startedMs: number;
}

/**
 * What is so of a rule whose check runs in the user's session, as far as it is known without it: that there is nothing to look
 * at, or that nobody has looked. Null where the last finding stands. Whoever shuts the tray app does not trade a block for a
 * note: what his session said last then goes stale, and nothing is decided.
 */
export function unseenOutcome({ rule, check, plan, vantage, finding, past, nowMs, startedMs }: Unseen): Outcome | null {
  const ageMs = past === undefined || past.observedAtMs > nowMs ? Number.POSITIVE_INFINITY : nowMs - past.observedAtMs;
  const because = check.notApplicable(rule.params, plan, vantage);
  if (because !== null) {
    const isTold = finding?.outcome.kind === 'not-applicable' && finding.outcome.because === because;
    return isTold && ageMs < rule.everyMs ? null : { kind: 'not-applicable', because };
  }
  if (ageMs < rule.everyMs * SILENT_RUNS) return null;
  const isNoted = enforcementOf(rule, noSession) === 'note';
  if (finding === undefined) return isNoted || nowMs - startedMs >= COMING_MS ? noSession : null;
  const before = enforcementOf(rule, finding.outcome);
  return before === null || isAtLeast(enforcementOf(rule, noSession), before) ? noSession : null;
}

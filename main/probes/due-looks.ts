import type { CheckId } from '../../contracts/finding.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { isBad } from '../../contracts/outcome.ts';

/** What of a session check's rules a look needs. One look serves all of them. */
export interface LookPlan {
  check: CheckId;
  params: Record<string, unknown>;
  everyMs: number;
}

/** The first rule of a check gives the params of its look; evidence is judged by each rule's own. */
export function lookPlans({ rules }: Snapshot['session']): LookPlan[] {
  const plans = new Map<CheckId, LookPlan>();
  for (const { check, params, everyMs } of rules) {
    const known = plans.get(check);
    if (known) known.everyMs = Math.min(known.everyMs, everyMs);
    else plans.set(check, { check, params, everyMs });
  }
  return [...plans.values()];
}

/**
 * One more look would let the daemon decide: something bad has not yet lasted as long as it must, or something that is good again
 * has not yet been seen good often enough.
 */
export function wantsConfirming(check: CheckId, { session, findings, policy, verdict }: Snapshot): boolean {
  return session.rules.some((rule) => {
    const finding = findings.find((one) => one.rule === rule.id);
    if (rule.check !== check || !finding) return false;
    const { outcome } = finding;
    const on = policy.rules.find((one) => one.id === rule.id)?.on;
    const counts = isBad(outcome) && on?.[outcome.kind] !== 'note';
    const isCause = verdict?.causes.some((cause) => cause.rule === rule.id && cause.enforcement !== 'note') ?? false;
    return counts !== isCause;
  });
}

import type { Enforcement, Policy, Rule } from '../../contracts/policy.ts';
import { canonicalJson } from '../documents/content-hash.ts';

/** What blocks nothing closes nothing, and may be published without a preview. */
function canBlock({ rules, whenUndetermined, gate }: Policy): boolean {
  return rules.some(blocks) || whenUndetermined === 'closed' || gate.onAgentLoss === 'closed';
}

function blocks({ on }: Rule): boolean {
  return Object.values(on).includes('block');
}

/**
 * Whether some desk could be blocked under `after` that is not under `before`. Errs on the side of yes: only what is known to
 * make a policy milder counts as milder.
 */
export function canBlockMore(before: Policy | null, after: Policy): boolean {
  if (!canBlock(after)) return false;
  if (before === null || settingsOf(before) !== settingsOf(after)) return true;
  if (after.gate.mode === 'enforce' && before.gate.mode !== 'enforce') return true;
  if (after.whenUndetermined === 'closed' && before.whenUndetermined !== 'closed') return true;
  if (after.gate.onAgentLoss === 'closed' && before.gate.onAgentLoss !== 'closed') return true;
  if (after.undeterminedGraceMs < before.undeterminedGraceMs || after.gate.maxDrainMs < before.gate.maxDrainMs) return true;
  if (after.verdictTtlMs < before.verdictTtlMs) return true;
  return after.rules.filter(blocks).some((rule) => {
    const was = before.rules.find(({ id }) => id === rule.id);
    return !was || isStricter(was, rule);
  });
}

/** What the checks find depends on it. */
function settingsOf({ instance, features, network, gate }: Policy): string {
  return canonicalJson({ instance, features, network, exempt: gate.exemptUids });
}

const levels: readonly Enforcement[] = ['note', 'warn', 'block'];

function isStricter(was: Rule, is: Rule): boolean {
  const same = (rule: Rule) => canonicalJson({ check: rule.check, params: rule.params, vantage: rule.vantage, everyMs: rule.everyMs });
  if (same(was) !== same(is)) return true;
  if (is.settleMs < was.settleMs || is.graceMs < was.graceMs || is.recoverRuns > was.recoverRuns) return true;
  if (is.critical && !was.critical) return true;
  return (['fail', 'degraded', 'unknown'] as const).some((kind) => levels.indexOf(is.on[kind]) > levels.indexOf(was.on[kind]));
}

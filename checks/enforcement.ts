import type { Outcome } from '../contracts/outcome.ts';
import { isBad } from '../contracts/outcome.ts';
import type { Enforcement, Rule } from '../contracts/policy.ts';

/** From the mildest to the strictest. */
export const enforcements: readonly Enforcement[] = ['note', 'warn', 'block'];

/** The outcome of a check this desk lacks. It holds nobody up, whatever the rule says: the policy may be newer than the desk. */
export function isUnsupported(outcome: Outcome): boolean {
  return outcome.kind === 'unknown' && outcome.cause === 'unsupported';
}

/** What the rule makes of an outcome; null for one that is good. */
export function enforcementOf(rule: Pick<Rule, 'on'>, outcome: Outcome): Enforcement | null {
  if (!isBad(outcome)) return null;
  return isUnsupported(outcome) ? 'note' : rule.on[outcome.kind];
}

export function isAtLeast(enforcement: Enforcement | null, level: Enforcement): boolean {
  return enforcement !== null && enforcements.indexOf(enforcement) >= enforcements.indexOf(level);
}

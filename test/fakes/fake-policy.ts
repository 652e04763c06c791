import { CheckId, RuleId } from '../../contracts/finding.ts';
import { Policy, type Rule } from '../../contracts/policy.ts';

/** A rule with the id of its check: every minute, blocks on fail, without settling or grace, two good runs to recover. */
export function fakeRule(check: string, overrides: Partial<Rule> = {}): Rule {
  return {
    id: RuleId.parse(check),
    check: CheckId.parse(check),
    params: {},
    everyMs: 60_000,
    settleMs: 0,
    graceMs: 0,
    recoverRuns: 2,
    critical: false,
    on: { fail: 'block', degraded: 'warn', unknown: 'warn' },
    ...overrides,
  };
}

export function fakePolicy(rules: Rule[], overrides: Partial<Policy> = {}): Policy {
  const written = { schema: 1, id: 'test', instance: { alias: 'acme', region: 'us-west-2' }, verdictTtlMs: 60_000, rules };
  return { ...Policy.parse(written), ...overrides };
}

import type { DecisionInput } from '../../../checks/decide.ts';
import { recordRun } from '../../../checks/history.ts';
import type { Finding, RuleId } from '../../../contracts/finding.ts';
import type { RuleHistory } from '../../../contracts/history.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import type { Rule } from '../../../contracts/policy.ts';
import { Waiver } from '../../../contracts/waiver.ts';
import { fakePolicy } from '../../fakes/fake-policy.ts';

export const outcomes = {
  pass: { kind: 'pass' },
  idle: { kind: 'not-applicable', because: 'platform' },
  fail: { kind: 'fail', reason: 'r', args: {} },
  slow: { kind: 'degraded', reason: 'r', args: {} },
  blind: { kind: 'unknown', cause: 'timed-out', detail: '' },
  lacking: { kind: 'unknown', cause: 'unsupported', detail: '' },
} as const satisfies Record<string, Outcome>;
export type Name = keyof typeof outcomes;

export const DAY_MS = 86_400_000;
export const NOW_WALL_MS = Date.parse('2026-01-01T12:00:00.000Z');
const NOW_AWAKE_MS = 10_000_000;
export const at = (fromNowMs: number) => new Date(NOW_WALL_MS + fromNowMs).toISOString();

/** Runs as [how long ago, outcome], oldest first. */
export type Runs = readonly (readonly [number, Name])[];

export function findingOf(rule: Rule, outcome: Outcome): Finding {
  return {
    rule: rule.id,
    check: rule.check,
    revision: 1,
    venue: 'daemon',
    vantage: 'endpoint',
    outcome,
    evidence: null,
    partial: false,
    observedAt: at(0),
    since: at(0),
    lastPassAt: null,
    badForMs: 0,
    goodRuns: 0,
    tookMs: 1,
  };
}

export function situation(given: readonly (readonly [Rule, Runs])[], overrides: Partial<DecisionInput> = {}): DecisionInput {
  const history = new Map<RuleId, RuleHistory>();
  const findings: Finding[] = [];
  for (const [rule, runs] of given) {
    for (const [agoMs, name] of runs) {
      const time = { awakeMs: NOW_AWAKE_MS - agoMs, wallIso: at(-agoMs) };
      history.set(rule.id, recordRun(history.get(rule.id), rule, outcomes[name], time));
    }
    const last = runs.at(-1);
    if (last) findings.push(findingOf(rule, outcomes[last[1]]));
  }
  return {
    policy: fakePolicy(given.map(([rule]) => rule)),
    allowlist: { revision: 4 },
    findings,
    history,
    needs: new Map(),
    waivers: [],
    vantage: 'endpoint',
    now: { wallMs: NOW_WALL_MS, awakeMs: NOW_AWAKE_MS },
    ...overrides,
  };
}

export const waiver = (rule: string, untilMs: number, id = '00000000-0000-4000-8000-000000000001') =>
  Waiver.parse({ schema: 1, id, rule, reason: 'r', grantedBy: 'g', until: at(untilMs) });

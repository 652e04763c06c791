import type { Check } from '../../checks/check.ts';
import type { DaemonHost } from '../../checks/host.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Finding, Vantage } from '../../contracts/finding.ts';
import type { RuleHistory } from '../../contracts/history.ts';
import { isBad } from '../../contracts/outcome.ts';
import type { Rule } from '../../contracts/policy.ts';
import { observeRule, type RuleRun } from './run-rule.ts';

/** A rule to run, and its check unless this desk lacks it. */
export interface Running {
  rule: Rule;
  check: Check<'daemon'> | undefined;
}

export interface OpenedHost {
  host: DaemonHost;
  close(): void | Promise<void>;
}

export interface Round {
  plan: Plan;
  /** Asked once a round: rules that run together share its answers, and the next round asks anew. */
  makeHost: (signal: AbortSignal) => OpenedHost | Promise<OpenedHost>;
  signal: AbortSignal;
}

/** Runs the rules at the same time and tells each as it ends. Rejects with the signal's reason; the host is closed either way. */
export async function runRound(
  { plan, makeHost, signal }: Round,
  due: readonly Running[],
  onResult: (one: Running, result: RuleRun) => void,
): Promise<void> {
  const opened = await makeHost(signal);
  try {
    await Promise.all(
      due.map(async (one) => {
        const result = await observe(one, opened.host, plan, signal);
        if (!signal.aborted) onResult(one, result);
      }),
    );
  } finally {
    await opened.close();
  }
  signal.throwIfAborted();
}

async function observe({ rule, check }: Running, host: DaemonHost, plan: Plan, signal: AbortSignal): Promise<RuleRun> {
  if (check) return observeRule(rule, check, host, plan, signal);
  return { outcome: { kind: 'unknown', cause: 'unsupported', detail: rule.check }, evidence: null, tookMs: 0 };
}

export function toFinding(
  { rule, check }: { rule: Rule; check: Check | undefined },
  { outcome, evidence, tookMs }: RuleRun,
  past: RuleHistory,
  { vantage, observedAt }: { vantage: Vantage; observedAt: string },
): Finding {
  return {
    rule: rule.id,
    check: rule.check,
    revision: check?.revision ?? 0,
    venue: check?.venue ?? 'daemon',
    vantage,
    outcome,
    evidence,
    partial: false,
    observedAt,
    since: past.kindSince,
    lastPassAt: past.lastPassAt,
    badForMs: isBad(outcome) && past.streaks.note ? Math.round(past.observedAtMs - past.streaks.note.sinceMs) : 0,
    goodRuns: past.goodRuns,
    tookMs,
  };
}

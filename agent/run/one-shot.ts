import type { AnyCheck, Check } from '../../checks/check.ts';
import { decide } from '../../checks/decide.ts';
import { recordRun } from '../../checks/history.ts';
import type { Clock, DaemonHost } from '../../checks/host.ts';
import type { Plan } from '../../checks/plan.ts';
import type { CheckId, Finding, RuleId, Vantage } from '../../contracts/finding.ts';
import type { RuleHistory } from '../../contracts/history.ts';
import { isBad } from '../../contracts/outcome.ts';
import type { Policy, Rule } from '../../contracts/policy.ts';
import type { Progress } from '../../contracts/progress.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import { observeRule, type RuleRun } from './run-rule.ts';

/** Immediate re-probes of what was not good, in place of a rule's `settleMs`: one lost packet is not a verdict. */
const MAX_REPROBES = 2;

export interface OpenedHost {
  host: DaemonHost;
  close(): void | Promise<void>;
}

export interface OneShot {
  policy: Policy;
  plan: Plan;
  allowlist: CheckDocument['allowlist'];
  checks: readonly AnyCheck[];
  /** Rules of other checks are left out of the policy; the caller has seen to it that every id exists. */
  only?: readonly CheckId[];
  vantage: Vantage;
  /** Asked for each round, so that a re-probe shares no answer with the round before. */
  makeHost: (signal: AbortSignal) => OpenedHost | Promise<OpenedHost>;
  clock: Clock;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** A rule that runs here, and its check unless this desk lacks it. */
interface Running {
  rule: Rule;
  check: Check<'daemon'> | undefined;
}

/** Runs every rule once, here and now, and decides. Rejects with the signal's reason; hosts are closed either way. */
export async function runOnce(run: OneShot): Promise<CheckDocument> {
  const { policy, checks, clock, onProgress } = run;
  run.signal.throwIfAborted();
  const startedAt = isoNow(clock);
  const { running, notRun } = chooseRules(run);
  onProgress({ kind: 'started', rules: running.map(({ rule }) => ({ rule: rule.id, check: rule.check })), notRun });

  const findings = new Map<RuleId, Finding>();
  const history = new Map<RuleId, RuleHistory>();
  let due = running;
  for (let round = 0; round <= MAX_REPROBES && due.length > 0; round++) {
    await runRound(run, due, (one, result) => {
      const past = recordRun(history.get(one.rule.id), one.rule, result.outcome, {
        awakeMs: clock.monotonicMs(),
        wallIso: isoNow(clock),
      });
      const finding = toFinding(one, result, past, run);
      history.set(one.rule.id, past);
      findings.set(one.rule.id, finding);
      onProgress({ kind: 'finding', round, finding });
    });
    due = due.filter(({ rule, check }) => check?.minIntervalMs === 0 && history.get(rule.id)?.lastBad);
  }

  const rules = running.map(({ rule }) => rule);
  const sorted = rules.flatMap((rule) => findings.get(rule.id) ?? []);
  const now = { wallMs: clock.wallMs(), awakeMs: clock.monotonicMs() };
  const verdict = decide({
    policy: { ...policy, rules },
    allowlist: run.allowlist,
    findings: sorted,
    // The run is one moment: what it saw first is not stale because re-probes took their time.
    history: new Map([...history].map(([rule, past]) => [rule, { ...past, observedAtMs: now.awakeMs }])),
    needs: new Map(checks.map((check) => [check.id, check.needs])),
    waivers: [],
    vantage: run.vantage,
    now,
  });
  onProgress({ kind: 'verdict', verdict });
  return {
    schema: 1,
    verdict,
    findings: sorted,
    policy: verdict.policy,
    allowlist: run.allowlist,
    startedAt,
    finishedAt: isoNow(clock),
  };
}

/** The rules to run, without the waits that only a daemon can keep, and those that need the user's session. */
function chooseRules({ policy, checks, only }: OneShot): { running: Running[]; notRun: RuleId[] } {
  const running: Running[] = [];
  const notRun: RuleId[] = [];
  for (const rule of policy.rules) {
    if (only && !only.includes(rule.check)) continue;
    const check = checks.find((one) => one.id === rule.check);
    if (check?.venue === 'session') notRun.push(rule.id);
    else running.push({ rule: { ...rule, settleMs: 0, graceMs: 0, recoverRuns: 1 }, check });
  }
  return { running, notRun };
}

async function runRound(run: OneShot, due: readonly Running[], onResult: (one: Running, result: RuleRun) => void): Promise<void> {
  const opened = await run.makeHost(run.signal);
  try {
    await Promise.all(
      due.map(async (one) => {
        const result = await probe(one, opened.host, run);
        if (!run.signal.aborted) onResult(one, result);
      }),
    );
  } finally {
    await opened.close();
  }
  run.signal.throwIfAborted();
}

async function probe({ rule, check }: Running, host: DaemonHost, { plan, signal }: OneShot): Promise<RuleRun> {
  if (check) return observeRule(rule, check, host, plan, signal);
  return { outcome: { kind: 'unknown', cause: 'unsupported', detail: rule.check }, evidence: null, tookMs: 0 };
}

function toFinding({ rule, check }: Running, { outcome, evidence, tookMs }: RuleRun, past: RuleHistory, run: OneShot): Finding {
  return {
    rule: rule.id,
    check: rule.check,
    revision: check?.revision ?? 0,
    venue: 'daemon',
    vantage: run.vantage,
    outcome,
    evidence,
    partial: false,
    observedAt: isoNow(run.clock),
    since: past.kindSince,
    lastPassAt: past.lastPassAt,
    badForMs: isBad(outcome) && past.badSinceMs !== null ? Math.round(past.observedAtMs - past.badSinceMs) : 0,
    goodRuns: past.goodRuns,
    tookMs,
  };
}

function isoNow(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString();
}

import type { AnyCheck } from '../../checks/check.ts';
import { decide } from '../../checks/decide.ts';
import { recordRun } from '../../checks/history.ts';
import type { Clock } from '../../checks/host.ts';
import type { Plan } from '../../checks/plan.ts';
import type { CheckId, Finding, RuleId, Vantage } from '../../contracts/finding.ts';
import type { RuleHistory } from '../../contracts/history.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Progress } from '../../contracts/progress.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import { type OpenedHost, type Running, runRound, toFinding } from './run-round.ts';

/** Immediate re-probes of what was not good, in place of a rule's `settleMs`: one lost packet is not a verdict. */
const MAX_REPROBES = 2;

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
      const finding = toFinding(one, result, past, { vantage: run.vantage, observedAt: isoNow(clock) });
      history.set(one.rule.id, past);
      findings.set(one.rule.id, finding);
      onProgress({ kind: 'finding', round, finding });
    });
    due = due.filter(({ rule, check }) => check?.minIntervalMs === 0 && history.get(rule.id)?.streaks.note);
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

function isoNow(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString();
}

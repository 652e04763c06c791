import { setMaxListeners } from 'node:events';
import type { AnyCheck, Check } from '../../checks/check.ts';
import { decide } from '../../checks/decide.ts';
import { recordRun } from '../../checks/history.ts';
import type { Clock } from '../../checks/host.ts';
import type { Plan } from '../../checks/plan.ts';
import type { CheckId, Finding, RuleId, Vantage } from '../../contracts/finding.ts';
import type { RuleHistory } from '../../contracts/history.ts';
import type { ProbeReading } from '../../contracts/local-api.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import type { Policy, Rule } from '../../contracts/policy.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import type { Waiver } from '../../contracts/waiver.ts';
import { type OpenedHost, runRound, toFinding } from '../run/run-round.ts';
import { judgeReading, type RuleRun } from '../run/run-rule.ts';
import { alongMs, nextRunMs } from './next-run.ts';
import { unseenOutcome } from './unseen-rule.ts';
import { isNews } from './verdict-news.ts';

/** What the desk obeys; replaced as a whole when a document changes. */
export interface Orders {
  policy: Policy;
  plan: Plan;
  waivers: readonly Waiver[];
  vantage: Vantage;
}

/** What a desk remembers across restarts. */
export interface DeskMemory {
  findings: readonly Finding[];
  history: Readonly<Record<string, RuleHistory>>;
}

export interface DeskOptions {
  orders: Orders;
  checks: readonly AnyCheck[];
  memory: DeskMemory;
  /** Its monotonic time is awake time: it stands still while the computer sleeps. */
  clock: Clock;
  random: () => number;
  makeHost: (orders: Orders, signal: AbortSignal) => OpenedHost | Promise<OpenedHost>;
  /** After every finding and at every moment at which time alone changes the verdict. `changed`: in more than its times. */
  onVerdict: (verdict: Verdict, changed: boolean) => void;
  /** A round begins: these rules run together, and each of them ends with a finding, unless a defect or other orders end it. */
  onRound: (rules: readonly Pick<Rule, 'id' | 'check'>[]) => void;
  onFinding: (finding: Finding) => void;
  /** A defect: a probe's own failures are findings, and neither hook may throw. */
  onDefect: (error: unknown) => void;
}

export interface Desk {
  verdict(): Verdict;
  memory(): DeskMemory;
  findings(): readonly Finding[];
  /**
   * Runs everything at once, or the rules of one check: the network changed, the computer woke, somebody asked. Gives how many
   * milliseconds it is until the first of them runs: a check that keeps its distance waits.
   */
  trigger(check?: CheckId): number;
  /** Other waivers alone change the verdict at once; another policy or plan also ends what runs, and looks at everything anew. */
  obey(orders: Orders): void;
  /** Rules that wait for what the user's session sees, without those that have nothing to look at on this desk. */
  sessionRules(): Pick<Rule, 'id' | 'check' | 'params' | 'everyMs'>[];
  /** Judges what a probe in the user's session saw, or that it could not look; null when it was taken, otherwise what is wrong with it. */
  submit(check: Check<'session'>, reading: ProbeReading): string | null;
  stop(): Promise<void>;
}

/**
 * A look that was cut short loaded its servers too, though less than a whole one. Without a finding a verdict is undetermined,
 * and a desk that has just been enrolled gets its policy while it looks for the first time.
 */
const CUT_SHORT_MS = 10_000;
/** Time alone changes a verdict (grace, staleness, a waiver's end); it is decided anew at least this often. */
const DECIDE_EVERY_MS = 5_000;

/** Starts at once: every rule is due, and the verdict is what the memory still supports. */
export function startDesk(options: DeskOptions): Desk {
  const { checks, clock } = options;
  const needs = new Map(checks.map((check) => [check.id, check.needs]));
  /** Ends what runs under the present orders. */
  let ending = newEnding();
  let stopped = false;
  let orders = options.orders;
  const findings = new Map<RuleId, Finding>(options.memory.findings.map((finding) => [finding.rule, finding]));
  const history = new Map<RuleId, RuleHistory>(Object.entries(options.memory.history) as [RuleId, RuleHistory][]);
  const dueMs = new Map<RuleId, number>();
  /** The round in which a rule runs. */
  const running = new Map<RuleId, object>();
  /** When a check that keeps its distance may look again. */
  const freeMs = new Map<CheckId, number>();
  /** Asked for again while it ran. */
  const again = new Set<RuleId>();
  const rounds = new Set<Promise<void>>();
  const startedMs = clock.monotonicMs();
  let timer: ReturnType<typeof setTimeout> | undefined;
  forgetOthers();
  let last = judge();
  /** The last verdict that was told as changed. */
  let told = last;
  wake();

  function checkOf(rule: Rule): Check<'daemon'> | undefined {
    const check = checks.find((one) => one.id === rule.check);
    return check?.venue === 'daemon' ? check : undefined;
  }

  function sessionRules(): { rule: Rule; check: Check<'session'> }[] {
    return orders.policy.rules.flatMap((rule) => {
      const check = checks.find((one) => one.id === rule.check);
      const isHere = rule.vantage === undefined || rule.vantage === orders.vantage;
      return check?.venue === 'session' && isHere ? [{ rule, check }] : [];
    });
  }

  function ownRules(): Rule[] {
    return orders.policy.rules.filter((rule) => checks.find((one) => one.id === rule.check)?.venue !== 'session');
  }

  /** Of rules that the session says nothing of, by what is known without it. */
  function unseen(nowMs: number): { rule: Rule; check: Check<'session'>; outcome: Outcome }[] {
    const { plan, vantage } = orders;
    return sessionRules().flatMap(({ rule, check }) => {
      const known = { finding: findings.get(rule.id), past: history.get(rule.id) };
      const outcome = unseenOutcome({ rule, check, plan, vantage, ...known, nowMs, startedMs });
      return outcome === null ? [] : [{ rule, check, outcome }];
    });
  }

  /** What is remembered of rules that the orders do not name, or name for another check, says nothing of theirs. */
  function forgetOthers(): void {
    const named = new Map(orders.policy.rules.map((rule) => [rule.id, rule.check]));
    for (const id of new Set([...findings.keys(), ...history.keys()])) {
      const check = findings.get(id)?.check;
      if (check !== undefined && check === named.get(id)) continue;
      findings.delete(id);
      history.delete(id);
    }
  }

  function judge(): Verdict {
    return decide({
      policy: orders.policy,
      allowlist: orders.plan.allowlist,
      findings: [...findings.values()],
      history,
      needs,
      waivers: orders.waivers,
      vantage: orders.vantage,
      now: { wallMs: clock.wallMs(), awakeMs: clock.monotonicMs() },
    });
  }

  function publish(): void {
    last = judge();
    const changed = isNews(last, told);
    if (changed) told = last;
    guarded(() => options.onVerdict(last, changed));
  }

  /** Runs what is due, then sleeps until something is. */
  function wake(): void {
    clearTimeout(timer);
    if (stopped) return;
    const nowMs = clock.monotonicMs();
    const due = dueAt(nowMs);
    if (due.length > 0) {
      const { signal } = ending;
      const round = run(due, signal).catch((error) => {
        if (!signal.aborted) options.onDefect(error);
      });
      rounds.add(round);
      void round.finally(() => rounds.delete(round));
    }
    const unseenMs = unseen(nowMs).length > 0 ? [0] : [];
    const waits = ownRules().flatMap((rule) => (running.has(rule.id) ? [] : [(dueMs.get(rule.id) ?? earliestMs(rule, nowMs)) - nowMs]));
    timer = setTimeout(tick, Math.max(0, Math.min(DECIDE_EVERY_MS, ...unseenMs, ...waits)));
  }

  /** None, or all that can run now without being much too early. */
  function dueAt(nowMs: number): Rule[] {
    const waiting = ownRules().filter(({ id }) => !running.has(id));
    const whenMs = (rule: Rule) => dueMs.get(rule.id) ?? earliestMs(rule, nowMs);
    if (waiting.every((rule) => whenMs(rule) > nowMs)) return [];
    return waiting.filter((rule) => {
      const ms = whenMs(rule);
      return ms <= nowMs || (alongMs(ms, history.get(rule.id)) <= nowMs && earliestMs(rule, nowMs) <= nowMs);
    });
  }

  function tick(): void {
    for (const { outcome, ...one } of unseen(clock.monotonicMs())) take(one, { outcome, evidence: null, tookMs: 0 });
    publish();
    wake();
  }

  /** What was seen becomes the rule's finding and part of its history. */
  function take(one: { rule: Rule; check: Check | undefined }, result: RuleRun): RuleHistory {
    const past = recordRun(history.get(one.rule.id), one.rule, result.outcome, { awakeMs: clock.monotonicMs(), wallIso: iso() });
    const finding = toFinding(one, result, past, { vantage: orders.vantage, observedAt: iso() });
    history.set(one.rule.id, past);
    findings.set(one.rule.id, finding);
    guarded(() => options.onFinding(finding));
    return past;
  }

  /** What a listener throws must not keep the rules of the same round from being judged. */
  function guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      options.onDefect(error);
    }
  }

  async function run(due: readonly Rule[], signal: AbortSignal): Promise<void> {
    const given = orders;
    const round = {};
    for (const rule of due) {
      running.set(rule.id, round);
      freeMs.set(rule.check, clock.monotonicMs() + (checkOf(rule)?.minIntervalMs ?? 0));
    }
    /** False once the rule runs under newer orders: this round then says nothing of it. */
    const finish = (id: RuleId) => running.get(id) === round && running.delete(id);
    guarded(() => options.onRound(due));
    try {
      const chosen = due.map((rule) => ({ rule, check: checkOf(rule) }));
      const makeHost = (inner: AbortSignal) => options.makeHost(given, inner);
      await runRound({ plan: given.plan, makeHost, signal }, chosen, (one, result) => {
        if (!finish(one.rule.id)) return;
        const past = take(one, result);
        const nextMs = nextRunMs(one.rule, one.check?.minIntervalMs ?? 0, past, clock.monotonicMs(), options.random());
        dueMs.set(one.rule.id, again.delete(one.rule.id) ? earliestMs(one.rule) : nextMs);
        publish();
        wake();
      });
    } finally {
      // A host that could not be made leaves its rules without a result: they are due again, but not at once.
      for (const { id } of due) if (finish(id)) dueMs.set(id, clock.monotonicMs() + DECIDE_EVERY_MS);
    }
  }

  /** Now, or as soon as a check that keeps its distance may run again. An observation from the future is of another boot. */
  function earliestMs(rule: Rule, nowMs = clock.monotonicMs()): number {
    const lookMs = history.get(rule.id)?.observedAtMs ?? Number.NEGATIVE_INFINITY;
    const afterMs = lookMs > nowMs ? nowMs : lookMs + (checkOf(rule)?.minIntervalMs ?? 0);
    return Math.max(nowMs, afterMs, freeMs.get(rule.check) ?? nowMs);
  }

  function iso(): string {
    return new Date(clock.wallMs()).toISOString();
  }

  return {
    verdict: () => last,
    memory: () => ({ findings: [...findings.values()], history: Object.fromEntries(history) }),
    findings: () => [...findings.values()],
    trigger(wanted) {
      const asked = ownRules().filter(({ check }) => wanted === undefined || check === wanted);
      for (const rule of asked) {
        if (running.has(rule.id)) again.add(rule.id);
        else dueMs.set(rule.id, earliestMs(rule));
      }
      wake();
      const nowMs = clock.monotonicMs();
      const waits = asked.map(({ id }) => (running.has(id) ? 0 : (dueMs.get(id) ?? nowMs) - nowMs));
      return waits.length === 0 ? 0 : Math.max(0, Math.min(...waits));
    },
    obey(next) {
      const sameWork = next.policy === orders.policy && next.plan === orders.plan && next.vantage === orders.vantage;
      const cutShort = orders.policy.rules.filter(({ id }) => running.has(id));
      orders = next;
      if (!sameWork) {
        ending.abort();
        ending = newEnding();
        const nowMs = clock.monotonicMs();
        for (const { check } of cutShort) freeMs.set(check, Math.min(freeMs.get(check) ?? nowMs, nowMs + CUT_SHORT_MS));
        forgetOthers();
        dueMs.clear();
        running.clear();
        again.clear();
      }
      publish();
      wake();
    },
    sessionRules() {
      const { plan, vantage } = orders;
      const toLook = sessionRules().filter(({ rule, check }) => check.notApplicable(rule.params, plan, vantage) === null);
      return toLook.map(({ rule: { id, check, params, everyMs } }) => ({ id, check, params, everyMs }));
    },
    submit(check, reading) {
      for (const { rule } of sessionRules().filter((one) => one.check === check)) {
        const judged = judgeReading(rule, check, reading, orders.plan, orders.vantage);
        if (!judged.ok) return judged.detail;
        take({ rule, check }, { ...judged.value, tookMs: 0 });
      }
      publish();
      return null;
    },
    async stop() {
      stopped = true;
      ending.abort();
      clearTimeout(timer);
      await Promise.all(rounds);
    },
  };
}

/** Every rule of a round listens for its end. */
function newEnding(): AbortController {
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  return ending;
}

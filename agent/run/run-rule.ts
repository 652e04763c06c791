import { z } from 'zod';
import type { Check, Observed } from '../../checks/check.ts';
import type { DaemonHost } from '../../checks/host.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { ProbeReading } from '../../contracts/local-api.ts';
import { type BlindCause, MAX_DETAIL_LENGTH, Outcome } from '../../contracts/outcome.ts';
import type { Rule } from '../../contracts/policy.ts';

/** A whole report is meant to stay within this, so evidence of one finding above it is a defect of its check. */
const MAX_EVIDENCE_BYTES = 16 * 1024;
/** A crash is told by its first line; a stack helps nobody at a desk and may hold paths of the user. */
const MAX_CRASH_LENGTH = 200;

export interface RuleRun {
  outcome: Outcome;
  /** Null when there was nothing to judge. */
  evidence: unknown;
  tookMs: number;
}

/** Probes and judges one rule. Never rejects, and ends by the check's deadline or the signal even if the probe does not. */
export async function observeRule(
  rule: Pick<Rule, 'params' | 'vantage'>,
  check: Check<'daemon'>,
  host: DaemonHost,
  plan: Plan,
  signal: AbortSignal,
): Promise<RuleRun> {
  const startedMs = host.clock.monotonicMs();
  const judged = await probeAndJudge(rule, check, host, plan, signal).catch((error) => blind('crashed', firstLine(error)));
  return { ...judged, tookMs: Math.max(0, Math.round(host.clock.monotonicMs() - startedMs)) };
}

type Judged = Omit<RuleRun, 'tookMs'>;

async function probeAndJudge(
  rule: Pick<Rule, 'params' | 'vantage'>,
  check: Check<'daemon'>,
  host: DaemonHost,
  plan: Plan,
  signal: AbortSignal,
): Promise<Judged> {
  if (rule.vantage !== undefined && rule.vantage !== host.vantage) return notApplicable('vantage');
  const ended = await withDeadline(check.timeoutMs, signal, (inner) => check.observe(host, rule.params, plan, inner));
  if (ended === 'timed-out') return blind('timed-out', `no result within ${check.timeoutMs} ms`);
  if (ended === 'stopped') return blind('not-collected', 'stopped');
  if (ended.seen === 'nothing-to-see') return notApplicable(ended.because);
  if (!ended.seen) return blind(ended.cause, ended.detail);

  const judged = judgeEvidence(rule, check, ended.value, plan, host.vantage);
  return judged.ok ? judged.value : blind('crashed', judged.detail);
}

/** Judges what a probe in the user's session saw. What it could not look at is unknown, and what is not there to be looked at is neither. */
export function judgeReading(
  rule: Pick<Rule, 'params'>,
  check: Check<'session'>,
  reading: ProbeReading,
  plan: Plan,
  vantage: Vantage,
): ReturnType<typeof judgeEvidence> {
  if (reading.seen) return judgeEvidence(rule, check, reading.evidence, plan, vantage);
  const because = check.notApplicable(rule.params, plan, vantage);
  return { ok: true, value: because === null ? blind(reading.cause, reading.detail) : notApplicable(because) };
}

/** Judges what somebody else has seen. Throws only what the check's own judgement throws. */
export function judgeEvidence(
  rule: Pick<Rule, 'params'>,
  check: Check,
  raw: unknown,
  plan: Plan,
  vantage: Vantage,
): { ok: true; value: Judged } | { ok: false; detail: string } {
  const parsed = check.evidence.safeParse(raw);
  if (!parsed.success) return { ok: false, detail: `evidence does not fit its schema: ${firstIssue(parsed.error)}` };
  const evidence = parsed.data;
  if (Buffer.byteLength(JSON.stringify(evidence) ?? '') > MAX_EVIDENCE_BYTES) return { ok: false, detail: 'evidence too large' };
  return { ok: true, value: { outcome: Outcome.parse(check.judge(evidence, rule.params, plan, vantage)), evidence } };
}

/** Own timer rather than `AbortSignal.timeout`, which lets the process end while a probe hangs. */
async function withDeadline(
  timeoutMs: number,
  signal: AbortSignal,
  probe: (signal: AbortSignal) => Promise<Observed>,
): Promise<Observed | 'timed-out' | 'stopped'> {
  if (signal.aborted) return 'stopped';
  const inner = new AbortController();
  let stop = () => {};
  let timer: NodeJS.Timeout | undefined;
  const cut = new Promise<'timed-out' | 'stopped'>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, 'timed-out');
    stop = () => resolve('stopped');
  });
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([probe(inner.signal), cut]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    inner.abort();
  }
}

function notApplicable(because: Extract<Outcome, { kind: 'not-applicable' }>['because']): Judged {
  return { outcome: { kind: 'not-applicable', because }, evidence: null };
}

function blind(cause: BlindCause, detail: string): Judged {
  return { outcome: { kind: 'unknown', cause, detail: detail.slice(0, MAX_DETAIL_LENGTH) }, evidence: null };
}

function firstLine(error: unknown): string {
  const message =
    error instanceof z.ZodError ? firstIssue(error) : error instanceof Error ? error.message : 'threw something that is no Error';
  return (message.split(/[\r\n]/)[0] ?? '').slice(0, MAX_CRASH_LENGTH);
}

/** Zod's own message is JSON over many lines, whose first is a bracket. */
function firstIssue(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'value'}: ${issue.message}` : 'refused by its schema';
}

import type { z } from 'zod';
import { CheckId } from '../contracts/finding.ts';
import type { Args, BlindCause, NotApplicableReason, Outcome } from '../contracts/outcome.ts';
import { MAX_ARG_LENGTH, MAX_DETAIL_LENGTH } from '../contracts/outcome.ts';
import type { Enforcement } from '../contracts/policy.ts';
import type { Hosts, Platform, Reading, Vantage, Venue } from './host.ts';
import type { Plan } from './plan.ts';

/** What a probe and a judgement know beside the evidence: the rule's parameters and the plan of this desk. */
export interface Ask<P> {
  readonly params: P;
  readonly plan: Plan;
}

/** A page of the user's session has no plan: what its probes need of it is part of their host. */
type PlanOf<V extends Venue> = V extends 'daemon' ? Plan : null;

/** Gathers; never judges. It must heed `signal`, which ends at the check's `timeoutMs`. */
export type Probe<V extends Venue, P, E> = (
  host: Hosts[V],
  ask: { readonly params: P; readonly plan: PlanOf<V> },
  signal: AbortSignal,
) => Promise<Reading<E>>;
export type PlatformProbes<V extends Venue, P, E> = { readonly [K in Platform]?: Probe<V, P, E> };

/** What evaluate may say. `unknown` only when the evidence itself has a hole. */
export type Judgement<R extends string> =
  | { kind: 'pass' }
  | { kind: 'degraded'; reason: R; args?: Args }
  | { kind: 'fail'; reason: R; args?: Args }
  | { kind: 'unknown'; cause: BlindCause; detail: string }
  | { kind: 'not-applicable'; because: NotApplicableReason };

/** The AWS shared-responsibility layer a check belongs to. */
export type Layer = 'workstation' | 'aws' | 'external';
/** Who can mend it: the customer, AWS, or both. */
export type Responsibility = 'yours' | 'aws' | 'shared';
export type Area = 'network' | 'encryption-in-transit' | 'endpoint-security' | 'call-quality' | 'operations';

/** How the built-in policy treats the check; a policy may say otherwise. */
export interface RecommendedRule {
  everyMs: number;
  settleMs: number;
  graceMs: number;
  recoverRuns?: number;
  on: { fail: Enforcement; degraded: Enforcement; unknown: Enforcement };
}

export interface CheckSpec<V extends Venue, P, E, R extends string> {
  id: string;
  revision: number;
  venue: V;
  layer: Layer;
  responsibility: Responsibility;
  area: Area;
  /** Control-framework tags, such as `pci-dss-4.0.1:4.2.1`. A tag is a pointer for auditors, not a claim of compliance. */
  controls: readonly string[];
  /** Deadline of one probe, in milliseconds. */
  timeoutMs: number;
  /** Never probed more often than this, not even to confirm a failure; for probes that load somebody else's server. */
  minIntervalMs?: number;
  /** Checks whose failure explains a failure of this one. */
  needs?: readonly string[];
  params: z.ZodType<P>;
  evidence: z.ZodType<E>;
  reasons: readonly R[];
  rule: RecommendedRule;
  /** Says that there is nothing to look at on this desk; asked before the judgement, and before a probe that has a plan. */
  notApplicable?: (ask: Ask<NoInfer<P>>, vantage: Vantage) => NotApplicableReason | null;
  probe: Probe<V, P, E> | PlatformProbes<V, P, E>;
  /** Pure and total: the same evidence, parameters and plan always give the same judgement. */
  evaluate: (evidence: NoInfer<E>, ask: Ask<NoInfer<P>>) => Judgement<NoInfer<R>>;
}

/** What `observe` gives: evidence, blindness, or a reason why there is nothing to look at. */
export type Observed = Reading<unknown> | { seen: 'nothing-to-see'; because: NotApplicableReason };

/** A check with its types closed over: the runner and the fleet see only this. */
export interface Check<V extends Venue = Venue> {
  readonly id: CheckId;
  readonly revision: number;
  readonly venue: V;
  readonly layer: Layer;
  readonly responsibility: Responsibility;
  readonly area: Area;
  readonly controls: readonly string[];
  readonly timeoutMs: number;
  readonly minIntervalMs: number;
  readonly needs: readonly CheckId[];
  readonly platforms: readonly Platform[];
  readonly reasons: readonly string[];
  readonly params: z.ZodType;
  readonly evidence: z.ZodType;
  readonly rule: RecommendedRule;
  /** Rejects only on a defect: bad params, or a probe that throws. */
  observe(host: Hosts[V], params: unknown, plan: PlanOf<V>, signal: AbortSignal): Promise<Observed>;
  /** Why there is nothing to look at on this desk; null where there is, and where the params do not fit the schema. */
  notApplicable(params: unknown, plan: Plan, vantage: Vantage): NotApplicableReason | null;
  /** Throws only when evidence or params do not fit the schema. */
  judge(evidence: unknown, params: unknown, plan: Plan, vantage: Vantage): Outcome;
}

export type AnyCheck = Check<'daemon'> | Check<'session'>;

const platforms: readonly Platform[] = ['win32', 'darwin', 'linux'];

export function defineCheck<V extends Venue, P, E, const R extends string>(spec: CheckSpec<V, P, E, R>): Check<V> {
  const { probe } = spec;
  const probeOn = (platform: Platform) => (typeof probe === 'function' ? probe : probe[platform]);
  const notApplicable = (params: P, plan: Plan | null, vantage: Vantage) =>
    plan === null ? null : (spec.notApplicable?.({ params, plan }, vantage) ?? null);
  return {
    id: CheckId.parse(spec.id),
    revision: spec.revision,
    venue: spec.venue,
    layer: spec.layer,
    responsibility: spec.responsibility,
    area: spec.area,
    controls: spec.controls,
    timeoutMs: spec.timeoutMs,
    minIntervalMs: spec.minIntervalMs ?? 0,
    needs: (spec.needs ?? []).map((id) => CheckId.parse(id)),
    platforms: platforms.filter((platform) => probeOn(platform) !== undefined),
    reasons: spec.reasons,
    params: spec.params,
    evidence: spec.evidence,
    rule: spec.rule,
    async observe(host, params, plan, signal) {
      const chosen = probeOn(host.platform);
      if (!chosen) return { seen: 'nothing-to-see', because: 'platform' };
      const ask = { params: spec.params.parse(params), plan };
      const because = notApplicable(ask.params, plan, host.vantage);
      return because === null ? chosen(host, ask, signal) : { seen: 'nothing-to-see', because };
    },
    notApplicable(params, plan, vantage) {
      const parsed = spec.params.safeParse(params);
      return parsed.success ? notApplicable(parsed.data, plan, vantage) : null;
    },
    judge(evidence, params, plan, vantage) {
      const ask = { params: spec.params.parse(params), plan };
      const because = notApplicable(ask.params, plan, vantage);
      if (because !== null) return { kind: 'not-applicable', because };
      const judged = spec.evaluate(spec.evidence.parse(evidence), ask);
      if (judged.kind === 'unknown') return { ...judged, detail: judged.detail.slice(0, MAX_DETAIL_LENGTH) };
      return judged.kind === 'fail' || judged.kind === 'degraded' ? { ...judged, args: boundArgs(judged.args ?? {}) } : judged;
    },
  };
}

/** Certificates, headers and names are strangers' text, and may be of any length. */
function boundArgs(args: Args): Args {
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, typeof value === 'string' ? value.slice(0, MAX_ARG_LENGTH) : value]),
  );
}

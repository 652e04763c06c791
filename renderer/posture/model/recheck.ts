import type { Fault } from '../../../contracts/fault.ts';
import type { CheckId, Finding } from '../../../contracts/finding.ts';
import { isBad } from '../../../contracts/outcome.ts';

/** Why it was not looked. `inMs`: when it can be asked for again, where that is known. */
export type Refusal = { step: 'refused'; code: Fault['code']; inMs: number | null };

/** One press of "check again", from the press to what came of it. */
export type Recheck =
  | { step: 'running'; askedAt: string; seenLooking: boolean }
  | { step: 'fixed' }
  /** It passes once; the policy wants it to pass more often before it counts. */
  | { step: 'better' }
  | { step: 'same' }
  | Refusal
  | { step: 'no-answer' };

export type Rechecks = ReadonlyMap<CheckId, Recheck>;

/** A probe has at most 10 s and a failing one is repeated at once; after this nobody waits any more. */
export const RECHECK_LIMIT_MS = 90_000;

interface Seen {
  looking: readonly CheckId[];
  findings: readonly Finding[];
  /** Checks that the verdict still holds against the desk. */
  counted: ReadonlySet<CheckId>;
}

export function startRecheck(rechecks: Rechecks, check: CheckId, now: Date): Rechecks {
  return new Map(rechecks).set(check, { step: 'running', askedAt: now.toISOString(), seenLooking: false });
}

export function refusalOf({ code, retryInMs }: Pick<Fault, 'code' | 'retryInMs'>): Refusal {
  return { step: 'refused', code, inMs: retryInMs ?? null };
}

export function refuseRecheck(rechecks: Rechecks, check: CheckId, fault: Pick<Fault, 'code' | 'retryInMs'>): Rechecks {
  return new Map(rechecks).set(check, refusalOf(fault));
}

/** The same map where nothing came of any. */
export function followRechecks(rechecks: Rechecks, seen: Seen, now: Date): Rechecks {
  const next = new Map(rechecks);
  for (const [check, recheck] of rechecks) next.set(check, follow(check, recheck, seen, now));
  return [...next].some(([check, recheck]) => rechecks.get(check) !== recheck) ? next : rechecks;
}

function follow(check: CheckId, recheck: Recheck, { looking, findings, counted }: Seen, now: Date): Recheck {
  if (recheck.step === 'better') return counted.has(check) ? recheck : { step: 'fixed' };
  if (recheck.step !== 'running') return recheck;
  if (looking.includes(check)) return recheck.seenLooking ? recheck : { ...recheck, seenLooking: true };
  const own = findings.filter((finding) => finding.check === check);
  const isNew = own.length > 0 && own.every(({ observedAt }) => observedAt > recheck.askedAt);
  // The daemon's clock is this computer's; a look that was seen to end has an answer whatever the clock says.
  if (!isNew && !recheck.seenLooking) {
    return now.getTime() - Date.parse(recheck.askedAt) > RECHECK_LIMIT_MS ? { step: 'no-answer' } : recheck;
  }
  if (own.some(({ outcome }) => isBad(outcome))) return { step: 'same' };
  return counted.has(check) ? { step: 'better' } : { step: 'fixed' };
}

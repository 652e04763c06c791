import type { ActivityJudgement, GateMemory, GateReason, GateState, GateStatus, NotActingReason } from '../../contracts/gate.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Standing } from '../../contracts/verdict.ts';

export interface GateInput {
  /** Of the verdict as it is worth now: `undetermined` once it has expired. */
  standing: Standing;
  /** A cause that blocks is of a rule marked critical. Counts only while `blocked`. */
  criticalBlock: boolean;
  activity: Pick<ActivityJudgement, 'activity' | 'byPrivileged'>;
  gate: Pick<Policy['gate'], 'mode' | 'onAgentLoss' | 'maxDrainMs'>;
  whenUndetermined: Policy['whenUndetermined'];
  undeterminedGraceMs: number;
  enrolled: boolean;
  policySigned: boolean;
  /** `untilMs` is awake time of this boot: whoever keeps the release restates it after a restart. */
  released: { untilMs: number } | null;
}

export interface GateStep {
  memory: GateMemory;
  status: GateStatus;
}

/** What to go on from at start: nothing stored is a desk that has decided nothing yet. */
export function resumeGate(stored: GateMemory | null, nowAwakeMs: number): GateMemory {
  if (stored) return { ...stored, resumed: true };
  return {
    schema: 1,
    steppedAtMs: nowAwakeMs,
    state: 'open',
    wouldBe: 'open',
    sinceMs: nowAwakeMs,
    reason: 'undetermined-grace',
    spentMs: 0,
    spending: false,
    undeterminedSinceMs: null,
    resumed: true,
  };
}

/**
 * Pure and total. A drain ends when the call does. Time in which the privileged side sees no call uses up the drain's
 * budget of `maxDrainMs`, whoever else says what; the budget is new only after the gate was open.
 */
export function stepGate(stored: GateMemory, input: GateInput, nowAwakeMs: number): GateStep {
  const past = rebase(stored, nowAwakeMs);
  const notActingBecause = chooseNotActing(input);
  const acting = notActingBecause === null;
  // A drain that was only imagined gives no right to close on a call: the real one starts when the gate starts to act.
  const from = acting ? past.state : past.wouldBe;
  const undeterminedSinceMs = input.standing === 'undetermined' ? (past.undeterminedSinceMs ?? nowAwakeMs) : null;
  const undeterminedForMs = undeterminedSinceMs === null ? 0 : nowAwakeMs - undeterminedSinceMs;
  const wish = chooseWish(input, from, undeterminedForMs, nowAwakeMs);

  const spentMs = from === 'open' || !wish.shut ? 0 : past.spentMs + (past.spending ? nowAwakeMs - past.steppedAtMs : 0);
  const isShut = acting && past.state === 'closed' && !(past.resumed && input.gate.onAgentLoss === 'open');
  const wouldBe = chooseState(wish, from, isShut, spentMs, input);
  const seesCall = isPrivilegedCall(input.activity);
  const state = acting ? wouldBe : 'open';
  const sinceMs = state === past.state && wouldBe === past.wouldBe ? past.sinceMs : nowAwakeMs;
  const reason = chooseReason(wish, from, wouldBe, past.reason, input);
  return {
    memory: {
      schema: 1,
      steppedAtMs: nowAwakeMs,
      state,
      wouldBe,
      sinceMs,
      reason,
      spentMs,
      spending: wouldBe === 'draining' && !seesCall,
      undeterminedSinceMs,
      resumed: false,
    },
    status: {
      state,
      wouldBe,
      sinceMs,
      reason,
      drainEndsByMs: wouldBe === 'draining' && !seesCall ? nowAwakeMs + input.gate.maxDrainMs - spentMs : null,
      acting,
      notActingBecause,
    },
  };
}

/** Awake time that went back is that of another boot: what had passed has passed, and the time between counts for nothing. */
function rebase(stored: GateMemory, nowAwakeMs: number): GateMemory {
  if (nowAwakeMs >= stored.steppedAtMs) return stored;
  const moveMs = nowAwakeMs - stored.steppedAtMs;
  return {
    ...stored,
    steppedAtMs: nowAwakeMs,
    sinceMs: stored.sinceMs + moveMs,
    undeterminedSinceMs: stored.undeterminedSinceMs === null ? null : stored.undeterminedSinceMs + moveMs,
  };
}

/** The mode is asked last: what an unsigned policy says of it counts for nothing. */
function chooseNotActing({ enrolled, policySigned, gate }: GateInput): NotActingReason | null {
  if (!enrolled) return 'not-enrolled';
  if (!policySigned) return 'unsigned-policy';
  return gate.mode === 'observe' ? 'observe' : null;
}

interface Wish {
  shut: boolean;
  reason: GateReason;
}

function chooseWish(input: GateInput, from: GateState, undeterminedForMs: number, nowAwakeMs: number): Wish {
  if (input.released && nowAwakeMs < input.released.untilMs) return { shut: false, reason: 'released' };
  switch (input.standing) {
    case 'clear':
    case 'caution':
      return { shut: false, reason: input.standing };
    case 'blocked':
      return { shut: true, reason: input.criticalBlock ? 'critical' : 'blocked' };
    case 'undetermined':
      // A drain goes on in the grace, else a desk that hides its state would have found the way to stop it.
      if (undeterminedForMs < input.undeterminedGraceMs) return { shut: from !== 'open', reason: 'undetermined-grace' };
      return { shut: input.whenUndetermined === 'closed', reason: 'undetermined' };
  }
}

/**
 * No call can begin behind a gate that is shut, so nothing that looks like one opens it: else a page that holds the
 * microphone would. A gate that may have been opened in the daemon's absence drains a call that the privileged side sees,
 * and closes at once on anything less.
 */
function chooseState(wish: Wish, from: GateState, isShut: boolean, spentMs: number, input: GateInput): GateState {
  if (!wish.shut) return 'open';
  if (wish.reason === 'critical' || isShut || isProvenIdle(input.activity)) return 'closed';
  if (isPrivilegedCall(input.activity)) return 'draining';
  return from === 'closed' || spentMs >= input.gate.maxDrainMs ? 'closed' : 'draining';
}

/** A gate that ran out of its drain says so for as long as it stays closed: it is the one close that may have met a contact. */
function chooseReason(wish: Wish, from: GateState, wouldBe: GateState, before: GateReason, input: GateInput): GateReason {
  if (wouldBe !== 'closed' || wish.reason === 'critical') return wish.reason;
  const expired = from === 'closed' ? before === 'drain-expired' : !isProvenIdle(input.activity);
  return expired ? 'drain-expired' : wish.reason;
}

function isPrivilegedCall({ activity, byPrivileged }: GateInput['activity']): boolean {
  return activity === 'on-call' && byPrivileged;
}

function isProvenIdle({ activity, byPrivileged }: GateInput['activity']): boolean {
  return activity === 'idle' && byPrivileged;
}

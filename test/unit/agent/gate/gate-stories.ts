import type { GateInput } from '../../../../agent/gate/step-gate.ts';
import type { ActivityJudgement, GateStatus } from '../../../../contracts/gate.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** `restart`: the daemon comes back and goes on from what it stored. */
type Change = Partial<Omit<GateInput, 'gate'>> & { gate?: Partial<GateInput['gate']>; restart?: true };
export type Story = readonly [name: string, steps: readonly (readonly [atMs: number, change: Change])[], status: GateStatus];

type Activity = Pick<ActivityJudgement, 'activity' | 'byPrivileged'>;
const call: Activity = { activity: 'on-call', byPrivileged: true };
const claim: Activity = { activity: 'on-call', byPrivileged: false };
const idle: Activity = { activity: 'idle', byPrivileged: true };
const blind: Activity = { activity: 'unknown', byPrivileged: false };

/** The desk of every story, until the story says otherwise: it acts, is idle and clear. */
export const usual: GateInput = {
  standing: 'clear',
  criticalBlock: false,
  activity: idle,
  gate: { mode: 'enforce', onAgentLoss: 'open', maxDrainMs: HOUR_MS },
  whenUndetermined: 'open',
  undeterminedGraceMs: 10 * MINUTE_MS,
  enrolled: true,
  policySigned: true,
  released: null,
};

const acting = { acting: true, notActingBecause: null, drainEndsByMs: null };
const open = (reason: GateStatus['reason'], sinceMs = 0): GateStatus => ({ state: 'open', wouldBe: 'open', sinceMs, reason, ...acting });
const closed = (reason: GateStatus['reason'], sinceMs: number): GateStatus => ({
  state: 'closed',
  wouldBe: 'closed',
  sinceMs,
  reason,
  ...acting,
});
const draining = (drainEndsByMs: number | null, sinceMs: number, reason: GateStatus['reason'] = 'blocked'): GateStatus => ({
  state: 'draining',
  wouldBe: 'draining',
  sinceMs,
  reason,
  ...acting,
  drainEndsByMs,
});
const idling = (notActingBecause: NonNullable<GateStatus['notActingBecause']>, status: GateStatus): GateStatus => ({
  ...status,
  state: 'open',
  acting: false,
  notActingBecause,
});

const blocked = { standing: 'blocked' as const };
const undetermined = { standing: 'undetermined' as const };
const observe = { gate: { mode: 'observe' as const } };
const enforce = { gate: { mode: 'enforce' as const } };
const M = MINUTE_MS;

// biome-ignore format: one step a line reads as a story
export const stories: readonly Story[] = [
  ['all is well', [[0, {}]], open('clear')],
  ['caution keeps it open', [[0, { standing: 'caution', activity: call }]], open('caution')],
  ['blocked while idle closes at once', [[0, {}], [M, blocked]], closed('blocked', M)],
  ['blocked during a call drains without an end', [[0, { activity: call }], [M, blocked], [9 * HOUR_MS, {}]], draining(null, M)],
  ['the call ends, the gate closes', [[0, { ...blocked, activity: call }], [9 * HOUR_MS, { activity: idle }]], closed('blocked', 9 * HOUR_MS)],
  ['clear again during the drain', [[0, { ...blocked, activity: call }], [M, { standing: 'clear' }]], open('clear', M)],
  ['clear again while closed', [[0, blocked], [M, { standing: 'caution' }]], open('caution', M)],
  ['unknown activity drains', [[0, { ...blocked, activity: blind }], [20 * M, {}]], draining(HOUR_MS, 0)],
  ['… until maxDrainMs has passed', [[0, { ...blocked, activity: blind }], [HOUR_MS - 1, {}], [HOUR_MS, {}]], closed('drain-expired', HOUR_MS)],
  ['… and says so while it stays closed', [[0, { ...blocked, activity: blind }], [HOUR_MS, {}], [2 * HOUR_MS, { activity: idle }]], closed('drain-expired', HOUR_MS)],
  ['a claimed call drains no longer', [[0, { ...blocked, activity: claim }], [HOUR_MS, {}]], closed('drain-expired', HOUR_MS)],
  ['claims that alternate with unknown do not refill the budget', [[0, { ...blocked, activity: claim }], [20 * M, { activity: blind }], [40 * M, { activity: claim }], [59 * M, { activity: blind }]], draining(HOUR_MS, 0)],
  ['a claim after a real call gets what is left', [[0, { ...blocked, activity: blind }], [30 * M, { activity: call }], [5 * HOUR_MS, { activity: claim }]], draining(5.5 * HOUR_MS, 0)],
  ['a real call after the budget is spent outlasts it', [[0, { ...blocked, activity: claim }], [HOUR_MS, { activity: call }]], draining(null, 0)],
  ['no budget at all: unknown closes at once', [[0, { gate: { maxDrainMs: 0 } }], [M, { ...blocked, activity: blind }]], closed('drain-expired', M)],
  ['no budget at all: a call still drains', [[0, { gate: { maxDrainMs: 0 } }], [M, { ...blocked, activity: call }]], draining(null, M)],
  ['the policy shortens a drain under way', [[0, { ...blocked, activity: blind }], [30 * M, { gate: { maxDrainMs: 20 * M } }]], closed('drain-expired', 30 * M)],
  ['a critical rule cuts a call', [[0, { activity: call }], [M, { ...blocked, criticalBlock: true }]], closed('critical', M)],
  ['a drain turns critical', [[0, { ...blocked, activity: call }], [M, { criticalBlock: true }]], closed('critical', M)],
  ['critical counts only while blocked', [[0, { activity: call, standing: 'caution', criticalBlock: true }]], open('caution')],
  ['closed stays closed when a page takes the microphone', [[0, blocked], [M, { activity: call }]], closed('blocked', 0)],
  ['a new block is a new drain', [[0, { ...blocked, activity: blind }], [50 * M, { standing: 'clear' }], [51 * M, blocked]], draining(111 * M, 51 * M)],
  ['idle that nobody vouches for is no proof', [[0, { ...blocked, activity: { activity: 'idle', byPrivileged: false } }]], draining(HOUR_MS, 0)],

  ['undetermined is open in its grace', [[0, undetermined], [10 * M - 1, {}]], open('undetermined-grace')],
  ['undetermined is open after it, by default', [[0, undetermined], [10 * M, {}]], open('undetermined')],
  ['undetermined keeps a closed gate closed in its grace', [[0, blocked], [M, undetermined], [11 * M - 1, {}]], closed('undetermined-grace', 0)],
  ['… and opens it after', [[0, blocked], [M, undetermined], [11 * M, {}]], open('undetermined', 11 * M)],
  ['undetermined does not stop a drain', [[0, { ...blocked, activity: call }], [M, undetermined], [2 * M, { activity: idle }]], closed('undetermined-grace', 2 * M)],
  ['undetermined, closed by policy, drains first', [[0, { ...undetermined, activity: call, whenUndetermined: 'closed' }], [10 * M, {}]], draining(null, 10 * M, 'undetermined')],
  ['undetermined, closed by policy, when idle', [[0, { ...undetermined, whenUndetermined: 'closed' }], [10 * M, {}]], closed('undetermined', 10 * M)],
  ['a verdict in between starts the grace again', [[0, { ...undetermined, whenUndetermined: 'closed' }], [9 * M, { standing: 'clear' }], [9.5 * M, undetermined], [19 * M, {}]], open('undetermined-grace')],
  ['the grace does not run while the computer was off', [[5 * M, { ...undetermined, whenUndetermined: 'closed' }], [12 * M, {}], [M, { restart: true }], [4 * M - 1, {}]], open('undetermined-grace', -11 * M)],
  ['… and ends with what was left', [[5 * M, { ...undetermined, whenUndetermined: 'closed' }], [12 * M, {}], [M, { restart: true }], [4 * M, {}]], closed('undetermined', 4 * M)],

  ['observe says what would be', [[0, observe], [M, blocked]], idling('observe', closed('blocked', M))],
  ['observe never says that a call would be cut', [[0, { ...observe, ...blocked }], [M, { activity: call }]], idling('observe', draining(null, M))],
  ['observe has a drain that would end', [[0, { ...observe, ...blocked, activity: blind }], [HOUR_MS, {}]], idling('observe', closed('drain-expired', HOUR_MS))],
  ['enforce after that starts the drain for real', [[0, { ...observe, ...blocked, activity: blind }], [HOUR_MS, {}], [2 * HOUR_MS, enforce]], draining(3 * HOUR_MS, 2 * HOUR_MS)],
  ['enforce during a call drains', [[0, { ...observe, ...blocked }], [M, { activity: call }], [2 * M, enforce]], draining(null, 2 * M)],
  ['enforce while idle closes at once', [[0, { ...observe, ...blocked }], [M, enforce]], closed('blocked', M)],
  ['observe opens a closed gate', [[0, blocked], [M, observe]], idling('observe', closed('blocked', M))],
  ['enrolment lost while closed', [[0, blocked], [M, { enrolled: false }]], idling('not-enrolled', closed('blocked', M))],
  ['an unsigned policy enforces nothing', [[0, { ...blocked, policySigned: false }]], idling('unsigned-policy', closed('blocked', 0))],
  ['not enrolled is told before the policy’s faults', [[0, { enrolled: false, policySigned: false, ...observe }]], idling('not-enrolled', open('clear'))],

  ['a release opens a closed gate', [[0, blocked], [M, { released: { untilMs: HOUR_MS } }]], open('released', M)],
  ['a release is stronger than critical', [[0, { ...blocked, criticalBlock: true }], [M, { released: { untilMs: HOUR_MS } }]], open('released', M)],
  ['a release ends during a call', [[0, blocked], [M, { released: { untilMs: HOUR_MS }, activity: call }], [HOUR_MS, {}]], draining(null, HOUR_MS)],
  ['a release ends while idle', [[0, blocked], [M, { released: { untilMs: HOUR_MS } }], [HOUR_MS, {}]], closed('blocked', HOUR_MS)],

  ['a restart in a drain keeps its budget', [[0, { ...blocked, activity: blind }], [20 * M, {}], [30 * M, { restart: true }]], draining(HOUR_MS, 0)],
  ['a boot in a drain keeps what was left', [[0, { ...blocked, activity: blind }], [20 * M, {}], [M, { restart: true }]], draining(41 * M, -19 * M)],
  ['… and ends it with that', [[0, { ...blocked, activity: blind }], [20 * M, {}], [M, { restart: true }], [41 * M, {}]], closed('drain-expired', 41 * M)],
  ['a restart while closed stays closed, whatever is known', [[0, blocked], [M, { restart: true, activity: blind }]], closed('blocked', 0)],
  ['… and whatever the session claims', [[0, blocked], [M, { restart: true, activity: claim }]], closed('blocked', 0)],
  ['a call that began in the daemon’s absence drains', [[0, blocked], [HOUR_MS, { restart: true, activity: call }], [2 * HOUR_MS, {}]], draining(null, HOUR_MS)],
  ['… with a budget that being closed did not use up', [[0, { ...blocked, activity: idle }], [M, { activity: blind }], [9 * HOUR_MS, { restart: true, activity: call }], [10 * HOUR_MS, { activity: blind }]], draining(11 * HOUR_MS, 9 * HOUR_MS)],
  ['… but not where its absence keeps the gate closed', [[0, { ...blocked, gate: { onAgentLoss: 'closed' } }], [HOUR_MS, { restart: true, activity: call }]], closed('blocked', 0)],
  ['a restart with an expired verdict holds what was', [[0, blocked], [M, { restart: true, ...undetermined }]], closed('undetermined-grace', 0)],
  ['a first start under a block closes', [[0, blocked]], closed('blocked', 0)],
];

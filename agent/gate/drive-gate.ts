import type { Clock } from '../../checks/host.ts';
import type { EnforcerStatus } from '../../contracts/enforcer.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { ActivityJudgement, ActivitySignal, CallActivity, GateMemory, GateStatus } from '../../contracts/gate.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { ActivityReader } from '../activity/reader.ts';
import { createBarrier } from './barrier.ts';
import type { Enforcer, GateScope } from './enforcer.ts';
import { judgeActivity } from './judge-activity.ts';
import { resumeGate, stepGate } from './step-gate.ts';

/** What the gate goes by, asked anew at every step. */
export interface GateFacts {
  /** As the verdict is worth now. */
  standing: Standing;
  criticalBlock: boolean;
  /** Something is bad that may block before long: whether there is a call should be known by then. */
  trouble: boolean;
  policy: Pick<Policy, 'gate' | 'whenUndetermined' | 'undeterminedGraceMs' | 'features'>;
  policySigned: boolean;
  enrolled: boolean;
  vantage: Vantage;
  released: { untilMs: number } | null;
  /** The same object for as long as it says the same. */
  scope: GateScope;
  agentUids: readonly number[];
}

export interface GateDriverSettings {
  memory: GateMemory | null;
  clock: Clock;
  readers: readonly ActivityReader[];
  enforcers: readonly Enforcer[];
  facts: () => GateFacts;
  /** What the gate put on this computer before is still there: then no call can have begun since. */
  leftShut: boolean;
  /** Resolves when what is decided has reached the disk; may reject. */
  persist: () => Promise<void>;
  /** The memory is another than before, and is to be saved before long. */
  onStep: () => void;
  /** State, reason or what an enforcer found is another than before. */
  onChange: (status: GateStatus, enforcers: readonly EnforcerStatus[], activity: ActivityJudgement) => void;
  onDefect: (error: unknown) => void;
}

export interface GateDriver {
  status(): GateStatus;
  activity(): ActivityJudgement;
  /** Where the gate does not act, only those that could not take away what was there. */
  enforcers(): readonly EnforcerStatus[];
  memory(): GateMemory;
  /** A verdict, an order or a release came. */
  poke(): void;
  /** What a user's session says of its contacts. */
  hear(uid: number, says: CallActivity): void;
  /** Leaves everything as it is: what holds without the daemon is the service manager's to apply. */
  stop(): Promise<void>;
}

/** A call is seen within one or two of these, and so is its end. */
const WATCH_EVERY_MS = 2_000;
/** Nothing is bad: only time is to be noticed. */
const IDLE_EVERY_MS = 5_000;
/** Somebody who takes away what closes the CCP has it open no longer than this. */
const REASSERT_EVERY_MS = 5_000;
/** A browser that was starting while the gate opened may have missed it, and is told again. */
const AFTER_OPENING_MS = 70_000;
/** Media needs this long to be seen as a call. Waited for once, where the gate stood open in the daemon's absence. */
const FIRST_LOOK_MS = 3_000;
/** A disk that hangs must not keep the gate open. */
const PERSIST_WITHIN_MS = 2_000;

/** Steps the gate as facts and time go on, and has the enforcers do what it says. */
export function driveGate(settings: GateDriverSettings): GateDriver {
  const { clock, readers, facts } = settings;
  const heard = new Map<number, ActivitySignal>();
  const barrier = createBarrier(settings.enforcers, tell, settings.onDefect);
  let memory = resumeGate(settings.memory, clock.monotonicMs());
  let activity: ActivityJudgement = { activity: 'unknown', byPrivileged: false, sources: [] };
  let told = '';
  let held: { closed: boolean; scope: GateScope; uids: string; atMs: number } | null = null;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> | null = null;
  /** When it last opened or closed. */
  let movedAtMs = Number.NEGATIVE_INFINITY;
  let again = false;
  let hasLooked = false;
  let stopped = false;
  // A call may have begun, or goes on, behind a gate that stood open: then nothing is stepped before there was a look.
  const looksFirst = (memory.state === 'closed' && !settings.leftShut) || memory.state === 'draining';
  let status = looksFirst ? waiting(memory) : step(facts());

  function step({ policy, ...given }: GateFacts): GateStatus {
    const { gate, whenUndetermined, undeterminedGraceMs } = policy;
    const input = { ...given, activity, gate, whenUndetermined, undeterminedGraceMs };
    const made = stepGate(memory, input, clock.monotonicMs());
    memory = made.memory;
    return made.status;
  }

  /** Of a desk that nobody manages nothing is counted: what could close is not there. */
  async function look({ agentUids, policy, vantage, enrolled, policySigned }: GateFacts): Promise<void> {
    if (!enrolled || !policySigned) return;
    hasLooked = true;
    const nowMs = clock.monotonicMs();
    const signals = (await Promise.all(readers.map((reader) => reader.read(agentUids, nowMs)))).flat();
    activity = judgeActivity([...signals, ...heard.values()], { features: policy.features, vantage }, clock.monotonicMs());
  }

  function isWatching({ trouble, standing }: GateFacts): boolean {
    return trouble || standing !== 'clear' || memory.wouldBe !== 'open';
  }

  async function advance(): Promise<void> {
    // Once at the start too: a later look then knows from when on there were no packets.
    if (isWatching(facts()) || !hasLooked) await look(facts());
    if (stopped) return;
    const given = facts();
    const before = { status, memory };
    status = step(given);
    const isOther =
      status.state !== before.status.state || status.wouldBe !== before.status.wouldBe || status.reason !== before.status.reason;
    // A drain's budget is used up by time alone.
    if (isOther || status.wouldBe === 'draining') settings.onStep();
    // On the disk first: whoever ends the daemon in this moment must not find the gate open when it is back.
    if (status.state === 'closed' && held?.closed !== true) await settlePersist();
    if (!stopped) hold(given);
    tell();
  }

  async function settlePersist(): Promise<void> {
    await Promise.race([settings.persist().catch(settings.onDefect), pause(PERSIST_WITHIN_MS)]);
  }

  function hold({ scope, agentUids }: GateFacts): void {
    const [closed, uids, nowMs] = [status.state === 'closed', agentUids.join(), clock.monotonicMs()];
    const isSame = held?.closed === closed && held.scope === scope && held.uids === uids;
    const isWatched = closed || nowMs - movedAtMs < AFTER_OPENING_MS || barrier.statuses().some(isNotOpen);
    if (held && isSame && !(isWatched && nowMs - held.atMs >= REASSERT_EVERY_MS)) return;
    if (held?.closed !== closed) movedAtMs = nowMs;
    held = { closed, scope, uids, atMs: nowMs };
    barrier.hold({ closed, scope, agentUids });
  }

  function enforcers(): readonly EnforcerStatus[] {
    return status.acting ? barrier.statuses() : barrier.statuses().filter(isNotOpen);
  }

  function tell(): void {
    const { state, wouldBe, reason, acting } = status;
    const news = JSON.stringify([state, wouldBe, reason, acting, enforcers()]);
    if (news === told) return;
    told = news;
    settings.onChange(status, enforcers(), activity);
  }

  function run(): void {
    clearTimeout(timer);
    again = turn !== null;
    if (stopped || turn) return;
    turn = advance();
    follow(turn);
  }

  function follow(work: Promise<void>): void {
    void work.catch(settings.onDefect).then(() => {
      turn = null;
      if (again) run();
      else timer = setTimeout(run, nextMs());
    });
  }

  function nextMs(): number {
    if (stopped) return 0;
    let given: GateFacts;
    try {
      given = facts();
    } catch (error) {
      settings.onDefect(error);
      return IDLE_EVERY_MS;
    }
    const nowMs = clock.monotonicMs();
    const moments = [status.drainEndsByMs, given.released?.untilMs ?? null].flatMap((atMs) => (atMs === null ? [] : [atMs - nowMs]));
    return Math.max(0, Math.min(isWatching(given) ? WATCH_EVERY_MS : IDLE_EVERY_MS, ...moments.filter((ms) => ms > 0)));
  }

  if (looksFirst) {
    turn = pause(FIRST_LOOK_MS).then(advance);
    void look(facts()).catch(settings.onDefect);
    follow(turn);
  } else run();

  return {
    status: () => status,
    activity: () => activity,
    enforcers,
    memory: () => memory,
    poke: run,
    hear(uid, says) {
      heard.set(uid, { source: 'tray-window', side: 'session', says, observedAtMs: clock.monotonicMs() });
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await turn?.catch(() => {});
      await barrier.settled();
      await Promise.all(readers.map((reader) => reader.close()));
    },
  };
}

/** Should be open, and may not be. */
function isNotOpen({ wanted, state }: EnforcerStatus): boolean {
  return wanted === 'open' && (state === 'degraded' || state === 'conflict');
}

/** Open since the daemon went, or for a call: what becomes of it is for the first step to say. */
function waiting({ sinceMs, reason }: GateMemory): GateStatus {
  return { state: 'draining', wouldBe: 'draining', sinceMs, reason, drainEndsByMs: null, acting: true, notActingBecause: null };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

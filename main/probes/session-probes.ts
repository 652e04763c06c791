import type { CheckId } from '../../contracts/finding.ts';
import type { DeskView, ProbeTask } from '../../contracts/ipc.ts';
import type { ProbeReading } from '../../contracts/local-api.ts';
import type { Desk } from '../desk/desk.ts';
import { type LookPlan, lookPlans, wantsConfirming } from './due-looks.ts';
import { hearDevices } from './hear-devices.ts';

/** After start, log-on or the daemon's return, so that the desk is not asked while everything else starts. */
const SETTLE_MS = 2_000;
/** So that a daemon that comes and goes has the microphone opened no more often. */
const RETURN_EVERY_MS = 60_000;
/** As the daemon takes evidence of one check. */
export const RECHECK_EVERY_MS = 5_000;
const CONFIRM_MS = 30_000;
/** Confirming looks in a row; what is not decided by then waits for its time. */
const MOST_CONFIRMATIONS = 5;
/** Desks that were switched on together drift apart. */
const JITTER = 0.1;
/** A hidden window of a busy computer. */
const OPEN_MS = 15_000;
/** Longer than any check's own deadline, which the page keeps. */
const LOOK_MS = 30_000;
/** While somebody is on a call, the end of it is looked for; changes of the desk's view tell of most. */
const CALL_MS = 10_000;

/** What a headset that comes or goes changes. */
const OF_DEVICES = 'softphone.audio-devices';
/** A Bluetooth headset changes its profile, and so the list of devices, when its microphone is opened and when it is let go. */
const TRACE_MS = 3_000;

/** The hidden page that looks. */
export interface ProbePage {
  /** Made anew each time; it says `ready` when it hears. */
  open(): void;
  send(task: ProbeTask): void;
  /** Whatever it holds open, such as the microphone, is closed with it. */
  close(): void;
}

export interface SessionProbePorts {
  desk: Pick<Desk, 'view' | 'onChange' | 'submitEvidence'>;
  page: ProbePage;
  /** The CCP window sends or receives sound. */
  isCcpLive(): boolean;
  monotonicMs(): number;
  /** In [0, 1). */
  random(): number;
}

export interface SessionProbes {
  /** False where the check, or each, is none of the session's, or has just been looked at. */
  recheck(check?: CheckId): boolean;
  /** A page was told that a device came or went. */
  devicesChanged(): void;
  /** The CCP's sound began or ended. */
  callChanged(): void;
  ready(): void;
  done(task: number, reading: ProbeReading): void;
  /** The page crashed or was closed by somebody else. */
  gone(): void;
  stop(): void;
}

interface Look {
  task: number;
  plan: LookPlan;
  sent: boolean;
  timer: NodeJS.Timeout;
}

/**
 * When the user's session looks at what only it can see: by each rule's cadence, when somebody asks, and when the daemon is
 * back. One look at a time; none while there is a call, and one that runs ends when the CCP's sound begins.
 * The daemon's own word of a call does not end it: it may well be this very microphone that the daemon sees open.
 */
export function startSessionProbes({ desk, page, isCcpLive, monotonicMs, random }: SessionProbePorts): SessionProbes {
  const dueMs = new Map<CheckId, number>();
  const lookedMs = new Map<CheckId, number>();
  const confirmations = new Map<CheckId, number>();
  let look: Look | null = null;
  let tasks = 0;
  let timer: NodeJS.Timeout | undefined;
  let isConnected = false;
  let returnedMs = Number.NEGATIVE_INFINITY;
  let closedMs = Number.NEGATIVE_INFINITY;
  let stopped = false;

  function plans(): LookPlan[] {
    const { link, snapshot } = desk.view();
    return link === 'connected' && snapshot ? lookPlans(snapshot.session) : [];
  }

  function isOnCall(): boolean {
    return isCcpLive() || desk.view().snapshot?.activity.activity === 'on-call';
  }

  function hear({ link }: DeskView): void {
    const nowMs = monotonicMs();
    if (link === 'connected' && !isConnected && nowMs - returnedMs >= RETURN_EVERY_MS) {
      returnedMs = nowMs;
      for (const { check } of plans()) sooner(check, nowMs + SETTLE_MS);
    }
    isConnected = link === 'connected';
    if (look && (!isConnected || isCcpLive())) giveUp();
    plan();
  }

  function sooner(check: CheckId, atMs: number): void {
    dueMs.set(check, Math.min(dueMs.get(check) ?? atMs, atMs));
  }

  /** Looks at what is due, or sleeps until something is. */
  function plan(): void {
    clearTimeout(timer);
    if (stopped || look) return;
    const nowMs = monotonicMs();
    const wanted = plans();
    for (const { check } of wanted) if (!dueMs.has(check)) dueMs.set(check, nowMs + SETTLE_MS);
    const whenMs = ({ check }: LookPlan) => dueMs.get(check) ?? nowMs;
    const [next] = wanted.sort((a, b) => whenMs(a) - whenMs(b));
    if (!next) return;
    const waitMs = whenMs(next) - nowMs;
    if (waitMs > 0) timer = setTimeout(plan, waitMs);
    else if (isOnCall()) timer = setTimeout(plan, CALL_MS);
    else begin(next);
  }

  function begin(chosen: LookPlan): void {
    // Whatever asks for it while it runs comes before that.
    dueMs.set(chosen.check, monotonicMs() + chosen.everyMs * (1 - JITTER * random()));
    look = { task: tasks++, plan: chosen, sent: false, timer: setTimeout(late, OPEN_MS, `no page within ${OPEN_MS} ms`) };
    page.open();
  }

  function late(detail: string): void {
    end({ seen: false, cause: 'timed-out', detail });
  }

  /** Nothing was seen and nothing is told: it is looked again when the call is over, or the daemon is back. */
  function giveUp(): void {
    if (!look) return;
    sooner(look.plan.check, monotonicMs());
    close();
  }

  function close(): void {
    clearTimeout(look?.timer);
    look = null;
    closedMs = monotonicMs();
    page.close();
  }

  function again(check: CheckId, inMs: number): void {
    sooner(check, monotonicMs() + inMs);
    plan();
  }

  function end(reading: ProbeReading): void {
    if (!look) return;
    const { check } = look.plan;
    close();
    const nowMs = monotonicMs();
    lookedMs.set(check, nowMs);
    void desk.submitEvidence(check, reading).then((answer) => {
      if (!answer.ok && answer.error.code === 'too-soon') again(check, RECHECK_EVERY_MS);
      else confirm(check, nowMs);
    });
    plan();
  }

  /** The view that follows a submission may come later than its answer, so it is read when the time is there. */
  function confirm(check: CheckId, endedMs: number): void {
    setTimeout(() => {
      const { snapshot } = desk.view();
      if (stopped || !snapshot || lookedMs.get(check) !== endedMs) return;
      const count = wantsConfirming(check, snapshot) ? (confirmations.get(check) ?? 0) + 1 : 0;
      confirmations.set(check, count);
      if (count > 0 && count <= MOST_CONFIRMATIONS) again(check, 0);
    }, CONFIRM_MS).unref();
  }

  const devices = hearDevices({
    monotonicMs,
    isOurs: () => look !== null || monotonicMs() - closedMs < TRACE_MS,
    look() {
      for (const { check } of plans()) if (check === OF_DEVICES) sooner(check, monotonicMs());
      plan();
    },
  });
  const off = desk.onChange(hear);
  hear(desk.view());

  return {
    recheck(wanted) {
      const nowMs = monotonicMs();
      const free = plans().filter(
        ({ check }) => (wanted ?? check) === check && nowMs - (lookedMs.get(check) ?? Number.NEGATIVE_INFINITY) >= RECHECK_EVERY_MS,
      );
      for (const { check } of free) {
        confirmations.delete(check);
        // What is looked at now answers it.
        if (look?.plan.check !== check) sooner(check, nowMs);
      }
      plan();
      return free.length > 0;
    },
    devicesChanged: devices.changed,
    callChanged() {
      if (isCcpLive()) giveUp();
      plan();
    },
    ready() {
      const turn = desk.view().snapshot?.session.turn;
      if (!look || look.sent || !turn) return;
      clearTimeout(look.timer);
      look.timer = setTimeout(late, LOOK_MS, `no answer within ${LOOK_MS} ms`);
      look.sent = true;
      page.send({ task: look.task, check: look.plan.check, params: look.plan.params, turn });
    },
    done(task, reading) {
      if (look?.sent && look.task === task) end(reading);
    },
    gone() {
      if (look) end({ seen: false, cause: 'crashed', detail: 'the page that looks is gone' });
    },
    stop() {
      stopped = true;
      off();
      devices.stop();
      clearTimeout(timer);
      if (look) close();
    },
  };
}

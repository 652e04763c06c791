import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { AnyCheck } from '../../checks/check.ts';
import { standingNow } from '../../checks/decide.ts';
import type { Clock, Memory } from '../../checks/host.ts';
import { answeringTurnHosts } from '../../checks/network/answering-turn-hosts.ts';
import type { Plan } from '../../checks/plan.ts';
import type { CheckId, Vantage } from '../../contracts/finding.ts';
import type { GateStatus } from '../../contracts/gate.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Policy } from '../../contracts/policy.ts';
import { VerdictState } from '../../contracts/state.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import { judgeActivity } from '../gate/judge-activity.ts';
import { resumeGate, stepGate } from '../gate/step-gate.ts';
import { type LocalApi, type LocalApiHandlers, listenLocalApi } from '../local-api/server.ts';
import type { OpenedHost } from '../run/run-round.ts';
import { monotonicMs, openAwakeClock, readBootId, watchForWake } from '../store/awake-clock.ts';
import { openStateFile } from '../store/state-file.ts';
import { loadDaemonKey } from './daemon-key.ts';
import { startDesk } from './desk.ts';
import { answerLocalApi, type WindowApplied } from './local-handlers.ts';
import { watchNetwork } from './network-watch.ts';
import { watchSessionUsers } from './session-users.ts';

export type DaemonEvent =
  | { event: 'started'; policy: string; stateDir: string; watchesNetwork: boolean }
  | { event: 'verdict'; standing: Verdict['standing']; causes: string[] }
  | { event: 'gate'; state: GateStatus['state']; wouldBe: GateStatus['wouldBe']; reason: GateStatus['reason'] }
  | { event: 'trigger'; because: 'network' | 'wake' | 'asked' }
  | { event: 'window'; uid: number; applied: WindowApplied; saidAt: string }
  | { event: 'fault'; what: string; detail: string };

export interface DaemonSettings {
  version: string;
  checks: readonly AnyCheck[];
  policy: Policy;
  plan: Plan;
  vantage: Vantage;
  stateDir: string;
  runDir: string;
  wallMs: () => number;
  random: () => number;
  makeHost: (memory: Memory, signal: AbortSignal) => OpenedHost;
  log: (event: DaemonEvent) => void;
}

/** How often the clocks are compared; a desk that wakes is looked at no later. */
const WAKE_EVERY_MS = 5_000;
const REFRESH_EVERY_MS = 60_000;
/** As the state's schema allows; a plan has some ten. */
const MOST_TURN_HOSTS = 500;
/** Findings come in bursts, and no verdict depends on the last second of them. Nothing is saved while nothing changes. */
const SAVE_EVERY_MS = 2_000;

/** A desk that decides all day, and tells its user's programs. It only observes: nothing here closes anything. */
export async function startDaemon(settings: DaemonSettings): Promise<{ stop(): Promise<void> }> {
  const { policy, plan, checks, vantage, log } = settings;
  const startedAt = new Date(settings.wallMs()).toISOString();
  const bootId = await readBootId();
  const file = await openStateFile({
    path: path.join(settings.stateDir, 'verdict.json'),
    schema: VerdictState,
    fallback: freshState(bootId),
    onSetAside: ({ movedTo, reason, detail }) =>
      log({ event: 'fault', what: 'state set aside', detail: `${reason}: ${detail} (${movedTo ?? 'left in place'})` }),
  });
  const state = await file.read();
  const { privateKey } = await loadDaemonKey(settings.stateDir, settings.runDir);
  const awake = openAwakeClock({ saved: state.awake, bootId, monotonicMs });
  // A VDI snapshot that is rolled back boots again, and must not count on from numbers that are already taken.
  const epoch = awake.isSameBoot(state.awake) ? state.epoch : randomUUID();
  const seq = epoch === state.epoch ? state.seq : 0;
  const clock: Clock = { wallMs: settings.wallMs, monotonicMs: () => awake.awakeMs() };
  /** Hosts whose silence is a block from now on: they have answered this desk. */
  const turnAnswered = new Set(state.turnAnswered);
  let gateMemory = resumeGate(state.gate, clock.monotonicMs());
  let api: LocalApi | undefined;
  let saving: NodeJS.Timeout | undefined;

  const desk = startDesk({
    orders: { policy, plan, waivers: [] },
    checks,
    vantage,
    memory: { findings: state.findings, history: state.histories },
    clock,
    random: settings.random,
    makeHost: (_orders, signal) => settings.makeHost({ turnAnswered: (host) => turnAnswered.has(host) }, signal),
    onVerdict(verdict, changed) {
      if (changed) {
        log({ event: 'verdict', standing: verdict.standing, causes: verdict.causes.map((cause) => cause.check) });
        api?.broadcast('verdictChanged', verdict);
      }
      const moved = updateGate(verdict);
      // A drain's budget is used up by time alone.
      if (changed || moved || gate.wouldBe === 'draining') save();
    },
    onFinding(finding) {
      for (const host of answeringTurnHosts(finding)) turnAnswered.add(host);
      save();
      api?.broadcast('progress', { kind: 'finding', round: 0, finding });
    },
    onDefect: (error) => log({ event: 'fault', what: 'run', detail: String(error) }),
  });
  // What is remembered may block from the first moment.
  let gate = judgeGate(desk.verdict());

  function judgeGate(verdict: Verdict): GateStatus {
    const blocking = new Set(verdict.causes.filter((cause) => cause.enforcement === 'block').map((cause) => cause.rule));
    const step = stepGate(
      gateMemory,
      {
        standing: standingNow(verdict, clock.wallMs()),
        criticalBlock: policy.rules.some((rule) => rule.critical && blocking.has(rule.id)),
        activity: judgeActivity([], { features: policy.features, vantage }, clock.monotonicMs()),
        gate: policy.gate,
        whenUndetermined: policy.whenUndetermined,
        undeterminedGraceMs: policy.undeterminedGraceMs,
        enrolled: false,
        policySigned: false,
        released: null,
      },
      clock.monotonicMs(),
    );
    gateMemory = step.memory;
    return step.status;
  }

  /** True when the gate, or the reason for where it is, is another than before. */
  function updateGate(verdict: Verdict): boolean {
    const before = gate;
    gate = judgeGate(verdict);
    if (gate.state === before.state && gate.wouldBe === before.wouldBe && gate.reason === before.reason) return false;
    log({ event: 'gate', state: gate.state, wouldBe: gate.wouldBe, reason: gate.reason });
    api?.broadcast('gateChanged', gate);
    return true;
  }

  function snapshotState(): VerdictState {
    const { findings, history } = desk.memory();
    return {
      schema: 1,
      epoch,
      seq,
      awake: awake.base(),
      histories: history,
      findings: [...findings],
      verdict: desk.verdict(),
      gate: gateMemory,
      turnAnswered: [...turnAnswered].slice(-MOST_TURN_HOSTS),
    };
  }

  function save(): void {
    saving ??= setTimeout(() => {
      saving = undefined;
      void saveNow();
    }, SAVE_EVERY_MS);
  }

  function saveNow(): Promise<void> {
    return file.write(snapshotState()).catch((error) => log({ event: 'fault', what: 'state not saved', detail: String(error) }));
  }

  function trigger(because: 'network' | 'wake' | 'asked', check?: CheckId): void {
    log({ event: 'trigger', because });
    desk.trigger(check);
  }

  const snapshot = (): Snapshot => ({
    verdict: desk.verdict(),
    findings: [...desk.findings()],
    gate,
    policy: {
      id: policy.id,
      revision: policy.revision,
      instance: { alias: policy.instance.alias, region: policy.instance.region },
      rules: policy.rules.map(({ id, check, on }) => ({ id, check, on })),
    },
    allowlist: plan.allowlist,
    daemon: { version: settings.version, startedAt, epoch },
  });

  const answering = new Map<number, LocalApiHandlers>();
  const users = watchSessionUsers(() => void api?.refresh());
  const listening = listenLocalApi({
    dir: settings.runDir,
    users: async () => users.current(),
    handlers(uid) {
      // A user can have his socket made again; what he has asked for of late stays counted.
      const known = answering.get(uid);
      if (known) return known;
      const recheck = (check?: CheckId) => trigger('asked', check);
      const onWindow = (applied: WindowApplied, saidAt: string) => log({ event: 'window', uid, applied, saidAt });
      const made = answerLocalApi({ recheck, onWindow, checks, snapshot, clock });
      answering.set(uid, made);
      return made;
    },
    key: privateKey,
    onFault: (fault) => log({ event: 'fault', what: 'local api', detail: JSON.stringify(fault) }),
  });
  api = await listening.catch(async (error) => {
    users.stop();
    await desk.stop();
    clearTimeout(saving);
    throw error;
  });
  // A user may have removed his socket.
  const refreshing = setInterval(() => void api?.refresh(), REFRESH_EVERY_MS);
  const network = watchNetwork(() => trigger('network'));
  const stopWake = watchForWake({ everyMs: WAKE_EVERY_MS, onWake: () => trigger('wake'), clock });
  log({ event: 'started', policy: `${policy.id} ${policy.revision}`, stateDir: settings.stateDir, watchesNetwork: network.watching });

  return {
    async stop() {
      stopWake();
      clearInterval(refreshing);
      network.stop();
      users.stop();
      // A desk that is told to stop takes in nothing more, so its state is saved before what still runs has ended.
      const ended = desk.stop();
      clearTimeout(saving);
      await Promise.all([saveNow(), ended, api?.close()]);
    },
  };
}

/** A state directory of its own: its reports count from nought in an epoch of their own. */
function freshState(bootId: string): VerdictState {
  return {
    schema: 1,
    epoch: randomUUID(),
    seq: 0,
    awake: { bootId, monotonicMs: monotonicMs(), awakeMs: 0 },
    histories: {},
    findings: [],
    verdict: null,
    gate: null,
    turnAnswered: [],
  };
}

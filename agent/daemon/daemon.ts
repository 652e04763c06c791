import { randomUUID } from 'node:crypto';
import type { AnyCheck } from '../../checks/check.ts';
import type { Clock, Memory, Platform } from '../../checks/host.ts';
import { answeringTurnHosts } from '../../checks/network/answering-turn-hosts.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { DaemonConfig } from '../../contracts/config.ts';
import type { CheckId, Vantage } from '../../contracts/finding.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { VerdictState } from '../../contracts/state.ts';
import { driveGate } from '../gate/drive-gate.ts';
import { createActivityReaders, createEnforcers } from '../gate/gate-parts.ts';
import { isBarrier, openLedger } from '../gate/ledger.ts';
import { openReleaseStore } from '../gate/release-store.ts';
import { createWindowEnforcer } from '../gate/window.ts';
import type { ProxyChooser } from '../host/proxy-settings.ts';
import type { LocalApi } from '../local-api/server.ts';
import type { OpenedHost } from '../run/run-round.ts';
import { monotonicMs, openAwakeClock, watchForWake } from '../store/awake-clock.ts';
import type { SetAside } from '../store/state-file.ts';
import type { DaemonEvent } from './daemon-event.ts';
import { loadDaemonKey } from './daemon-key.ts';
import { type Orders, startDesk } from './desk.ts';
import { openHistory } from './desk-history.ts';
import { gateViewOf, type Known, reportViewOf, snapshotOf } from './desk-views.ts';
import { openFleetSide } from './fleet-side.ts';
import { gateFacts } from './gate-facts.ts';
import { createHealth } from './health.ts';
import { watchNetwork } from './network-watch.ts';
import type { StandingOrders } from './order-book.ts';
import { paced } from './paced.ts';
import { releaseGate } from './release-gate.ts';
import { serveUsers } from './serve-users.ts';
import { watchSessionUsers } from './session-users.ts';
import { openStateKeeper } from './state-keeper.ts';

export interface DaemonSettings {
  version: string;
  platform: Platform;
  hostName: string;
  config: DaemonConfig;
  checks: readonly AnyCheck[];
  /** The allowlist that this version ships with. */
  bundled: Allowlist;
  /** Of the file that the configuration names. */
  localPolicy: Policy | null;
  vantageOf: (policy: Policy) => Vantage;
  proxyFor: ProxyChooser;
  wallMs: () => number;
  random: () => number;
  makeHost: (orders: Orders, memory: Memory, signal: AbortSignal) => OpenedHost;
  log: (event: DaemonEvent) => void;
}

/** How often the clocks are compared; a desk that wakes is looked at no later. */
const WAKE_EVERY_MS = 5_000;
/** Whoever plugs a cable in and out, or switches seats, has the whole desk looked at no more often. */
const TRIGGER_EVERY_MS = 5_000;
/** As the state's schema allows; a plan has some ten. */
const MOST_TURN_HOSTS = 500;

export interface RunningDaemon {
  stop(): Promise<void>;
}

/** A desk that decides all day, holds the gate, tells its users' programs, and reports. Rejects with a `StoreError` or a `SocketRefused`. */
export async function runDaemon(settings: DaemonSettings, bootId: string): Promise<RunningDaemon> {
  const { version, platform, checks, config, log, random, wallMs } = settings;
  const { stateDir, runDir } = config;
  const fault = (what: string, detail: unknown) =>
    log({ event: 'fault', what, detail: detail instanceof Error ? detail.message : String(detail) });
  const onSetAside = ({ path, movedTo, reason, detail }: SetAside) =>
    fault('state set aside', `${path}: ${reason}: ${detail} (${movedTo ?? 'left in place'})`);

  const startedAt = new Date(wallMs()).toISOString();
  const opening = { stateDir, bootId, present, onSetAside, onFailed: (error: unknown) => fault('state not saved', error) };
  const keeper = await openStateKeeper(opening);
  const { stored } = keeper;
  const { privateKey } = await loadDaemonKey(stateDir, runDir);
  const awake = openAwakeClock({ saved: stored.awake, bootId, monotonicMs });
  // A VDI snapshot that is rolled back boots again, and must not count on from numbers that are already taken.
  const epoch = awake.isSameBoot(stored.awake) ? stored.epoch : randomUUID();
  const clock: Clock = { wallMs, monotonicMs: () => awake.awakeMs() };
  /** Hosts whose silence is a block from now on: they have answered this desk. */
  const turnAnswered = new Set(stored.turnAnswered);
  const ledger = await openLedger(stateDir, onSetAside);
  const releases = await openReleaseStore({
    stateDir,
    clock: awake,
    wallMs,
    onSetAside,
    onTrouble: (error) => fault('release not saved', error),
  });
  const history = await openHistory({ stateDir, wallMs, onSetAside, onFailed: (error) => fault('history not saved', error) });
  const health = createHealth(clock);
  let api: LocalApi | undefined;

  const fleet = await openFleetSide({
    ...settings,
    epoch,
    clock,
    releases,
    view: () => reportViewOf(known()),
    situation() {
      const { reason: _reason, ...view } = gateViewOf({ gate, fleet });
      return { standing: desk.verdict().standing, gate: view, health: health.read(desk.findings(), fleet.outbox()) };
    },
    standing: () => desk.verdict().standing,
    onOrders: obey,
    onEnrolment: () => gate.poke(),
    onSetAside,
  });

  const desk = startDesk({
    orders: fleet.standing().orders,
    checks,
    memory: { findings: stored.findings, history: stored.histories },
    clock,
    random,
    makeHost: (orders, signal) => settings.makeHost(orders, { turnAnswered: (host) => turnAnswered.has(host) }, signal),
    onVerdict(verdict, changed) {
      history.onVerdict(verdict);
      if (!changed) return;
      log({ event: 'verdict', standing: verdict.standing, causes: verdict.causes.map((cause) => cause.check) });
      api?.broadcast('verdictChanged', verdict);
      keeper.saveSoon();
      gate.poke();
      fleet.changed();
    },
    onRound(rules) {
      const told = rules.map(({ id, check }) => ({ rule: id, check }));
      api?.broadcast('progress', { kind: 'started', rules: told, notRun: [] });
    },
    onFinding(finding) {
      history.onFinding(finding);
      for (const host of answeringTurnHosts(finding)) turnAnswered.add(host);
      keeper.saveSoon();
      api?.broadcast('progress', { kind: 'finding', round: 0, finding });
      fleet.changed();
    },
    onDefect: (error) => fault('run', error),
  });

  const lookBecause = paced(TRIGGER_EVERY_MS, clock, (because: 'network' | 'wake' | 'user') => {
    trigger(because);
    fleet.hurry();
  });
  // Not sooner: it calls what is made above.
  const users = watchSessionUsers(() => {
    void api?.refresh();
    lookBecause('user');
  });
  const window = createWindowEnforcer();
  const gate = driveGate({
    memory: stored.gate,
    clock,
    readers: createActivityReaders({ platform, ledger, clock }, () => fleet.standing().scope.mediaPrefixes),
    enforcers: [...createEnforcers({ platform, ledger, clock }), window],
    facts: () =>
      gateFacts({
        verdict: desk.verdict(),
        findings: desk.findings(),
        standing: fleet.standing(),
        enrolled: fleet.enrolment() !== null,
        released: releases.current(),
        agents: users.agents(),
        wallMs: wallMs(),
      }),
    leftShut: ledger.entries().some(isBarrier),
    persist: () => keeper.saveNow(),
    onStep: () => keeper.saveSoon(),
    onChange(status, enforcers, { activity }) {
      const { state, wouldBe, reason, notActingBecause } = status;
      log({ event: 'gate', state, wouldBe, reason, notActingBecause, activity });
      if (enforcers.length > 0) log({ event: 'enforcers', enforcers });
      api?.broadcast('gateChanged', status);
      fleet.changed();
    },
    onDefect: (error) => fault('gate', error),
  });

  function tellOrders({ orders: { policy, plan, waivers }, signed }: StandingOrders): void {
    log({
      event: 'orders',
      policy: `${policy.id} ${policy.revision}`,
      signed,
      allowlist: plan.allowlist.revision,
      waivers: waivers.length,
    });
  }

  function obey(standing: StandingOrders): void {
    tellOrders(standing);
    desk.obey(standing.orders);
    gate.poke();
  }

  /** Everything is there once the fleet's side is started. */
  function known(): Known {
    return { desk, gate, fleet, releases, agent: { version, platform } };
  }

  function present(): VerdictState {
    const { findings, history } = desk.memory();
    return {
      schema: 1,
      epoch,
      awake: awake.base(),
      histories: history,
      findings: [...findings],
      verdict: desk.verdict(),
      gate: gate.memory(),
      turnAnswered: [...turnAnswered].slice(-MOST_TURN_HOSTS),
    };
  }

  function trigger(because: 'network' | 'wake' | 'user' | 'asked', check?: CheckId): number {
    log({ event: 'trigger', because });
    const waitMs = desk.trigger(check);
    gate.poke();
    return waitMs;
  }

  async function closeAll(): Promise<void> {
    lookBecause.stop();
    users.stop();
    // A desk that is told to stop takes in nothing more, so its state is saved before what still runs has ended.
    const ended = desk.stop();
    await Promise.all([keeper.stop(), history.stop(), ended, gate.stop(), fleet.stop(), releases.close(), api?.close()]);
  }

  const release = async (uid: number, code: string | undefined) => {
    const released = await releaseGate(releases, fleet.enrolment(), uid, code);
    if (released.ok) {
      log({ event: 'release', uid, until: released.until });
      gate.poke();
      fleet.changed();
    }
    return released;
  };
  try {
    api = await serveUsers({
      runDir,
      key: privateKey,
      users,
      checks,
      clock,
      snapshot: () => snapshotOf(known(), { startedAt, epoch }),
      history: history.read,
      recheck: (check) => trigger('asked', check),
      submit: desk.submit,
      onWindow(uid, applied, saidAt) {
        if (window.acknowledge(uid, applied)) log({ event: 'window', uid, applied, saidAt });
      },
      onActivity: (uid, says) => gate.hear(uid, says),
      release,
      onFault: (detail) => fault('local api', detail),
    });
  } catch (error) {
    await closeAll();
    throw error;
  }
  fleet.start();
  const network = watchNetwork(() => lookBecause('network'));
  const stopWake = watchForWake({ everyMs: WAKE_EVERY_MS, onWake: () => lookBecause('wake'), clock });
  log({ event: 'started', version, stateDir, watchesNetwork: network.watching });
  tellOrders(fleet.standing());

  return {
    async stop() {
      stopWake();
      network.stop();
      await closeAll();
    },
  };
}

import type { AnyCheck } from '../../checks/check.ts';
import type { Clock, Platform } from '../../checks/host.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { DaemonConfig } from '../../contracts/config.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { Enrolment } from '../../contracts/identity.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Report } from '../../contracts/report.ts';
import type { SealedFault } from '../../contracts/sealing.ts';
import { createFleetLink, type FleetLink, type LinkEvent, type LinkHooks } from '../fleet-link/fleet-link.ts';
import { openIdentity } from '../fleet-link/identity.ts';
import { LINK_DEADLINES } from '../fleet-link/limits.ts';
import { readMachineImage } from '../fleet-link/machine-image.ts';
import { runLink } from '../fleet-link/run-link.ts';
import type { ReleaseStore } from '../gate/release-store.ts';
import type { ProxyChooser } from '../host/proxy-settings.ts';
import type { DeskView } from '../report/build-report.ts';
import type { SendResult } from '../report/sender.ts';
import type { SetAside } from '../store/state-file.ts';
import { type OrderBook, openOrderBook, type StandingOrders, type Trust } from './order-book.ts';
import { openReporting } from './reporting.ts';

export interface FleetSideSettings {
  version: string;
  platform: Platform;
  hostName: string;
  config: DaemonConfig;
  checks: readonly AnyCheck[];
  bundled: Allowlist;
  localPolicy: Policy | null;
  vantageOf: (policy: Policy) => Vantage;
  proxyFor: ProxyChooser;
  epoch: string;
  clock: Clock;
  random: () => number;
  releases: ReleaseStore;
  /** What the desk has to tell; asked only after `start`. Null while it has decided nothing. */
  view: () => Omit<DeskView, 'releases' | 'device' | 'epoch'> | null;
  situation: LinkHooks['situation'];
  standing: LinkHooks['standing'];
  onOrders: (standing: StandingOrders) => void;
  onEnrolment: () => void;
  onSetAside: (report: SetAside) => void;
  log: (event: LinkEvent) => void;
}

/** Everything that comes from the fleet and goes to it. */
export interface FleetSide {
  standing(): StandingOrders;
  /** Null before the first, and once the fleet has revoked it. */
  enrolment(): Enrolment | null;
  snapshot(): Snapshot['fleet'];
  outbox(): { reports: number; bytes: number; dropped: number };
  start(): void;
  /** Something may be worth a report. */
  changed(): void;
  /** The network is another, the machine woke, or its user changed: what waits is tried at once. */
  hurry(): void;
  stop(): Promise<void>;
}

/** Opens what is stored; nothing is sent before `start`. Rejects with a `StoreError`. */
export async function openFleetSide(settings: FleetSideSettings): Promise<FleetSide> {
  const { config, clock, random, log, onSetAside } = settings;
  const { stateDir } = config;
  const fault = (what: string, detail: string) => log({ event: 'fault', what: 'fleet', detail: `${what}: ${detail}` });
  const identity = await openIdentity({
    stateDir,
    image: await readMachineImage(),
    goldenImage: config.enrolment?.goldenImage ?? false,
    onSetAside,
    onForeignImage: (device) => fault('identity of another installation', `removed; it was of device ${device ?? 'none'}`),
  });
  let trust = trustOf((await identity.read()).enrolled);
  let book = await openBook(trust);
  /** One change of orders after the other. */
  let turn: Promise<unknown> = Promise.resolve();

  function openBook(believed: Trust | null): Promise<OrderBook> {
    const { checks, bundled, localPolicy, vantageOf } = settings;
    return openOrderBook({ stateDir, checks, bundled, localPolicy, vantageOf, trust: believed, onSetAside });
  }

  /** Another fleet or instance: what an earlier one signed counts for nothing. */
  async function rebook(): Promise<void> {
    const next = trustOf(link.enrolment());
    if (next && JSON.stringify(next) !== JSON.stringify(trust)) {
      book = await openBook(next);
      trust = next;
      settings.onOrders(book.current());
    }
    settings.onEnrolment();
    reporting.demandFull();
    reporting.kick();
  }

  function inTurn<R>(task: () => Promise<R>): Promise<R> {
    const next = turn.then(task);
    turn = next.catch((error) => fault('orders', error instanceof Error ? error.message : String(error)));
    return next;
  }

  /** Told once for each row: a newer key comes with the next heartbeat, and until then there is nothing to be done here. */
  let sealedFault: SealedFault | null = null;
  function hearOfSealed(found: SealedFault | null): void {
    if (found !== null && sealedFault === null) fault(found, 'sealed fields of a report were not stored: the key is not of now');
    sealedFault = found;
  }

  const link: FleetLink = await createFleetLink({
    identity,
    clock,
    random,
    deadlines: LINK_DEADLINES,
    proxyFor: settings.proxyFor,
    hostName: settings.hostName,
    agent: { version: settings.version, platform: settings.platform },
    enrolment: config.enrolment,
    hooks: {
      situation: settings.situation,
      standing: settings.standing,
      held: () => book.held(),
      accept: (kind, envelope) =>
        inTurn(async () => {
          const taken = await book.accept(kind, envelope);
          if (!taken.ok) return taken;
          settings.onOrders(book.current());
          // Whoever holds the new key alone is to read everything.
          if (kind === 'sealing') reporting.demandFull();
          return taken;
        }),
      onHeard: () => reporting.kick(),
      onWantFull: () => reporting.demandFull(),
      onEnrolment: () => inTurn(rebook).catch(() => {}),
      log(event) {
        log(event);
        if (event.event === 'fleet' && event.what === 'renewed') reporting.kick();
      },
    },
  });

  const reporting = await openReporting({
    stateDir,
    epoch: settings.epoch,
    checks: settings.checks,
    clock,
    random,
    releases: settings.releases,
    source() {
      const enrolment = link.enrolment();
      const view = enrolment && settings.view();
      const { orders, sealingKey } = book.current();
      return view && { view: { ...view, device: enrolment.device }, allowed: orders.policy.reporting.fields, sealingKey };
    },
    send: (report) => send(link, report, hearOfSealed),
    onFault: fault,
  });
  let running: ReturnType<typeof runLink> | null = null;

  return {
    standing: () => book.current(),
    enrolment: () => link.enrolment(),
    snapshot: () => ({ ...link.state(), waitingReports: reporting.stats().reports }),
    outbox: () => reporting.stats(),
    start() {
      running = runLink(link);
      reporting.changed();
      reporting.kick();
    },
    changed: () => reporting.changed(),
    hurry() {
      running?.hurry();
      reporting.kick();
    },
    async stop() {
      await reporting.stop();
      await running?.stop();
      await turn;
    },
  };
}

function trustOf(enrolled: Enrolment | null): Trust | null {
  return enrolled && { instance: enrolled.instance, signingKeys: enrolled.trust.signingKeys };
}

async function send(link: FleetLink, report: Report, onSealed: (fault: SealedFault | null) => void): Promise<SendResult> {
  // What was meant for another fleet is not this one's to read.
  const own = link.enrolment();
  if (own && report.device !== own.device) return { kind: 'refused', code: 'bad-request', detail: 'of an earlier enrolment' };
  const sent = await link.send(report);
  switch (sent.status) {
    case 'accepted':
      if (report.sealed !== null) onSealed(sent.sealedFault);
      return { kind: 'accepted' };
    case 'retry': {
      const detail = `${sent.code}: ${sent.detail}`;
      return sent.afterMs === undefined ? { kind: 'retry', detail } : { kind: 'retry', detail, afterMs: sent.afterMs };
    }
    case 'refused':
      return { kind: 'refused', code: sent.code, detail: sent.detail };
    case 'sequence-taken':
      return { kind: 'sequence-taken' };
    case 'not-allowed':
      return { kind: 'not-allowed', code: sent.code };
  }
}

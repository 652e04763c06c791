import type { Clock } from '../../checks/host.ts';
import type { Heartbeat } from '../../contracts/fleet-api.ts';
import type { Enrolment, Identity } from '../../contracts/identity.ts';
import type { LinkTrouble } from '../../contracts/link-trouble.ts';
import type { Report } from '../../contracts/report.ts';
import { createFleetClient, type FleetClient } from './client.ts';
import { lifeOf, RENEWABLE_MS, renewAtMs } from './device-certificate.ts';
import { createEnrolling, type EnrollingSettings } from './enrolling.ts';
import { createDocumentFetcher, type DocumentHooks } from './fetch-documents.ts';
import { fault, type LinkFault } from './link-failure.ts';
import { heartbeatMs, jittered, OUTCAST_MS, retryMs } from './pace.ts';
import { renew } from './renew.ts';
import { type Sent, sendReport } from './send-report.ts';

export type LinkEvent =
  | { event: 'fleet'; what: 'enrolled' | 'pending' | 'renewed' | 'revoked' | 'heard'; detail: string }
  | { event: 'fault'; what: 'fleet'; detail: string };

export interface LinkHooks extends DocumentHooks {
  /** What the heartbeat tells besides; asked for each of them alone, since its health is of the time since the one before. */
  situation: () => Pick<Heartbeat, 'standing' | 'gate' | 'health'>;
  standing: () => Heartbeat['standing'];
  /** The fleet has answered a heartbeat: it takes this desk for its own. */
  onHeard: () => void;
  /** The next report is to be a full one. */
  onWantFull: () => void;
  /** The enrolment, or whether the fleet still stands by it, is another than before. Nothing is fetched until it resolves. */
  onEnrolment: () => void | Promise<void>;
  log: (event: LinkEvent) => void;
}

export interface LinkSettings extends Omit<EnrollingSettings, 'signal' | 'onStep'> {
  clock: Clock;
  hooks: LinkHooks;
}

/** As the snapshot's `fleet`. */
export interface LinkState {
  state: 'not-enrolled' | 'pending' | 'enrolled' | 'revoked';
  server: string | null;
  device: string | null;
  heardAt: string | null;
  trouble: LinkTrouble | null;
}

export interface FleetLink {
  state(): LinkState;
  /** Null before the first, and once the fleet has revoked it. */
  enrolment(): Enrolment | null;
  /** Does what is due, one thing after the other. Never rejects. */
  step(): Promise<void>;
  /** Milliseconds until something is due. */
  waitMs(): number;
  /** The network is another, the machine woke, or its user changed: what failed before is tried again at once. */
  hurry(): void;
  send(report: Report): Promise<Sent>;
  stop(): Promise<void>;
}

/** The fleet does not take this desk for one of its own: asking on changes nothing. */
const OUTCAST = ['not-enrolled', 'revoked'];

/** Everything between this desk and its fleet, as steps that somebody else takes. Rejects with a `StoreError`. */
export async function createFleetLink(settings: LinkSettings): Promise<FleetLink> {
  const { identity: file, clock, random, hooks, agent } = settings;
  const stopping = new AbortController();
  const documents = createDocumentFetcher(hooks);
  const enrolling = createEnrolling({ ...settings, signal: stopping.signal });
  let identity = await file.read();
  let stamp = await file.stamp();
  let opened: { enrolled: Enrolment; client: FleetClient } | null = null;
  let lastLife: { certificate: string; life: ReturnType<typeof lifeOf> } | null = null;
  let trouble: LinkFault | null = null;
  let heardAt: string | null = null;
  /** How far the fleet's clock is ahead of this desk's. */
  let aheadMs = 0;
  let beat = { atMs: Number.NEGATIVE_INFINITY, failures: 0, restUntilMs: 0, random: random() };
  let renewal = { random: random(), failures: 0, notBeforeMs: 0, wanted: false };

  const fleetMs = () => clock.wallMs() + aheadMs;
  const isUsable = ({ enrolled }: Identity) => enrolled !== null && fleetMs() <= ownLife(enrolled).untilMs + RENEWABLE_MS;
  /** A ticket that still lies about must not undo what the fleet has decided. */
  const wantsEnrolment = () => identity.revokedAt === null && !isUsable(identity);

  /** Asked at every step, and a certificate takes a while to read. */
  function ownLife({ certificate }: Enrolment): ReturnType<typeof lifeOf> {
    if (lastLife?.certificate !== certificate) lastLife = { certificate, life: lifeOf(certificate) };
    return lastLife.life;
  }

  function client(enrolled: Enrolment): FleetClient {
    if (opened?.enrolled === enrolled) return opened.client;
    void opened?.client.close();
    const { trust, certificate, key } = enrolled;
    opened = {
      enrolled,
      client: createFleetClient({ ...settings, server: trust.server, ca: trust.ca, credentials: { certificate, key } }),
    };
    if (stopping.signal.aborted) void opened.client.close();
    return opened.client;
  }

  function meet(found: LinkFault | null): void {
    if (found && found.code !== 'stopped' && (found.code !== trouble?.code || found.detail !== trouble.detail)) {
      hooks.log({ event: 'fault', what: 'fleet', detail: `${found.code}: ${found.detail}` });
    }
    if (!found && trouble) hooks.log({ event: 'fleet', what: 'heard', detail: identity.enrolled?.trust.server ?? '' });
    trouble = found;
  }

  /** Takes up what is on the disk, where the command line may have put it. */
  async function reload(): Promise<void> {
    const found = await file.stamp();
    if (found === stamp) return;
    stamp = found;
    await take(await file.read());
  }

  async function take(next: Identity): Promise<void> {
    const before = identity;
    identity = next;
    const isSame = before.enrolled?.certificate === next.enrolled?.certificate && before.enrolled?.device === next.enrolled?.device;
    // The same enrolment keeps its connection.
    if (isSame) identity = { ...next, enrolled: before.enrolled };
    else renewal = { random: random(), failures: 0, notBeforeMs: 0, wanted: false };
    const wasRevoked = before.revokedAt !== null;
    if (before.enrolled?.device === next.enrolled?.device && wasRevoked === (next.revokedAt !== null)) return;
    beat = { atMs: Number.NEGATIVE_INFINITY, failures: 0, restUntilMs: 0, random: random() };
    await hooks.onEnrolment();
  }

  async function change(how: (held: Identity) => Identity): Promise<void> {
    const next = await file.update(how);
    stamp = await file.stamp();
    await take(next);
  }

  async function stepEnrolment(): Promise<void> {
    const outcome = await enrolling.step(identity, wantsEnrolment());
    if (!outcome) return;
    await reload();
    if (outcome.status === 'failed') {
      // Keeping a rest is no news beside the reason for it.
      if (outcome.fault.code !== 'too-soon' || trouble === null) meet(outcome.fault);
      return;
    }
    const { status } = outcome;
    meet(null);
    heardAt = new Date(clock.wallMs()).toISOString();
    hooks.log({ event: 'fleet', what: status, detail: status === 'enrolled' ? outcome.enrolled.device : 'waits for approval' });
  }

  function renewalWaitMs(enrolled: Enrolment): number {
    const life = ownLife(enrolled);
    if (!isUsable(identity) || (identity.revokedAt !== null && !renewal.wanted)) return Number.POSITIVE_INFINITY;
    const leftMs = renewal.wanted ? 0 : renewAtMs(life, renewal.random) - fleetMs();
    return Math.max(0, leftMs, renewal.notBeforeMs - clock.monotonicMs());
  }

  async function stepRenewal(enrolled: Enrolment): Promise<void> {
    if (renewalWaitMs(enrolled) > 0) return;
    const renewed = await renew(client(enrolled), file, enrolled, fleetMs());
    if (renewed.ok) {
      await reload();
      beat.restUntilMs = 0;
      hooks.log({ event: 'fleet', what: 'renewed', detail: new Date(lifeOf(renewed.value.certificate).untilMs).toISOString() });
      return;
    }
    renewal.failures += 1;
    renewal.wanted = false;
    const isOutcast = OUTCAST.includes(renewed.fault.code);
    const restMs = isOutcast ? OUTCAST_MS : (renewed.fault.retryAfterMs ?? retryMs(renewal.failures));
    renewal.notBeforeMs = clock.monotonicMs() + jittered(restMs, random());
    meet(renewed.fault);
    if (renewed.fault.code === 'revoked') await revoked();
  }

  function beatWaitMs(): number {
    const isClear = hooks.standing() === 'clear';
    const dueMs = beat.atMs + jittered(heartbeatMs(isClear, beat.failures), beat.random);
    return Math.max(0, Math.max(dueMs, beat.restUntilMs) - clock.monotonicMs());
  }

  async function stepBeat(enrolled: Enrolment): Promise<void> {
    if (beatWaitMs() > 0) return;
    const link = client(enrolled);
    const sentAt = new Date(clock.wallMs()).toISOString();
    beat = { ...beat, atMs: clock.monotonicMs(), random: random() };
    const refused = documents.refused();
    const answer = await link.heartbeat({ schema: 1, sentAt, agent, ...hooks.situation(), held: hooks.held(), refused });
    if (!answer.ok) return unheard(answer.fault);
    heardAt = new Date(clock.wallMs()).toISOString();
    aheadMs = Date.parse(answer.value.serverTime) - clock.wallMs();
    beat = { ...beat, failures: 0, restUntilMs: 0 };
    if (identity.revokedAt !== null) await change((held) => ({ ...held, revokedAt: null }));
    meet(null);
    hooks.onHeard();
    if (answer.value.wantFull) hooks.onWantFull();
    const stuck = await documents.fetch(link, answer.value.latest, clock.monotonicMs());
    if (stuck) meet(stuck);
  }

  async function unheard(why: LinkFault): Promise<void> {
    meet(why);
    beat.failures += 1;
    const isOutcast = OUTCAST.includes(why.code);
    const restMs = isOutcast ? jittered(OUTCAST_MS, random()) : (why.retryAfterMs ?? 0);
    beat.restUntilMs = clock.monotonicMs() + restMs;
    // The fleet takes this certificate for one that has ended, whatever this desk's clock says.
    if (why.code === 'not-enrolled') renewal.wanted = true;
    if (why.code === 'revoked') await revoked();
  }

  async function revoked(): Promise<void> {
    if (identity.revokedAt !== null) return;
    const restUntilMs = clock.monotonicMs() + jittered(OUTCAST_MS, random());
    await change((held) => ({ ...held, revokedAt: new Date(clock.wallMs()).toISOString() }));
    beat.restUntilMs = restUntilMs;
    hooks.log({ event: 'fleet', what: 'revoked', detail: identity.enrolled?.device ?? '' });
  }

  function state(): LinkState {
    const { enrolled, pending, revokedAt } = identity;
    const server = (enrolled ?? pending)?.trust.server ?? settings.enrolment?.server ?? null;
    const is = enrolled ? (revokedAt === null ? 'enrolled' : 'revoked') : pending ? 'pending' : 'not-enrolled';
    return {
      state: is,
      server,
      device: enrolled?.device ?? null,
      heardAt,
      trouble: trouble && { code: trouble.code, detail: trouble.detail },
    };
  }

  return {
    state,
    enrolment: () => (identity.revokedAt === null ? identity.enrolled : null),
    async step() {
      try {
        await reload();
        await stepEnrolment();
        if (identity.enrolled) await stepRenewal(identity.enrolled);
        if (identity.enrolled) await stepBeat(identity.enrolled);
      } catch (error) {
        meet(fault('not-stored', error instanceof Error ? error.message : 'unknown').fault);
      }
    },
    waitMs() {
      const { enrolled } = identity;
      return Math.min(enrolling.waitMs(identity, wantsEnrolment()), enrolled ? Math.min(renewalWaitMs(enrolled), beatWaitMs()) : Infinity);
    },
    hurry() {
      enrolling.hurry();
      beat = { ...beat, atMs: Number.NEGATIVE_INFINITY, failures: 0 };
      renewal.notBeforeMs = Math.min(renewal.notBeforeMs, clock.monotonicMs() + retryMs(1));
    },
    async send(report) {
      const { enrolled, revokedAt } = identity;
      if (!enrolled) return { status: 'not-allowed', code: 'not-enrolled', detail: 'this desk is not enrolled' };
      if (revokedAt !== null) return { status: 'not-allowed', code: 'revoked', detail: `since ${revokedAt}` };
      return sendReport(client(enrolled), report);
    },
    async stop() {
      stopping.abort();
      await opened?.client.close();
    },
  };
}

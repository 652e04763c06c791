import type { EnrolAnswer, EnrolRequest } from '../../contracts/fleet-api.ts';
import type { Enrolment, PendingEnrolment } from '../../contracts/identity.ts';
import { createFleetClient, fetchTrust } from './client.ts';
import { checkCertificate } from './device-certificate.ts';
import { newDeviceKey, newSigningRequest } from './device-key.ts';
import type { Line } from './fleet-line.ts';
import type { IdentityFile } from './identity.ts';
import { type Answer, fault, type LinkFault } from './link-failure.ts';
import { restLeftMs, ticketRestMs } from './pace.ts';
import { type ReadTicket, readTicket, ticketDigest, vouchesFor } from './ticket.ts';

/** What enrolment is doing: asking whether the fleet is the ticket's, making a key, asking to be taken in. */
export type EnrolStep = 'trust' | 'key' | 'ask';

export interface EnrolSettings extends Line {
  ticket: string;
  identity: IdentityFile;
  hostName: string;
  agent: EnrolRequest['agent'];
  signal: AbortSignal;
  /** A person asks: the rest after a refused ticket is not kept, this once. */
  byHand: boolean;
  onStep?: (step: EnrolStep) => void;
}

export type EnrolOutcome =
  | { status: 'enrolled'; enrolled: Enrolment }
  | { status: 'pending'; retryAfterMs: number }
  | { status: 'failed'; fault: LinkFault };

/** Enrols this desk by a ticket. What it was enrolled as before stands until the new enrolment is complete. Never rejects. */
export async function enrol(settings: EnrolSettings): Promise<EnrolOutcome> {
  return settled(async () => {
    const ticket = readTicket(settings.ticket);
    if (!ticket.ok) return failed(ticket.fault);
    const prepared = await prepare(settings, ticket.value);
    return prepared.ok ? submit(settings, prepared.value) : failed(prepared.fault);
  });
}

/** Asks again for an enrolment that waits for approval, without the ticket. Never rejects. */
export async function askAgain(settings: Omit<EnrolSettings, 'ticket' | 'byHand' | 'server'>): Promise<EnrolOutcome> {
  return settled(async () => {
    const { pending } = await settings.identity.read();
    return pending ? submit(settings, pending) : failed(fault('not-enrolled', 'no enrolment waits').fault);
  });
}

async function settled(enrolling: () => Promise<EnrolOutcome>): Promise<EnrolOutcome> {
  try {
    return await enrolling();
  } catch (error) {
    return failed(fault('not-stored', error instanceof Error ? error.message : 'unknown').fault);
  }
}

function failed(why: LinkFault): EnrolOutcome {
  return { status: 'failed', fault: why };
}

/** Everything that the first question needs, on the disk before it is asked. */
async function prepare(settings: EnrolSettings, ticket: ReadTicket): Promise<Answer<PendingEnrolment>> {
  const { server, identity, clock, signal, byHand, onStep } = settings;
  const { pending, attempt } = await identity.read();
  const digest = ticketDigest(ticket.secret);
  const isBegun = pending?.secret === ticket.secret && pending.trust.server === server;
  const last = attempt?.ticket === digest ? attempt : null;
  if (last && !isBegun && !byHand) {
    const leftMs = restLeftMs(last.at, ticketRestMs(last.refusals), clock.wallMs());
    if (leftMs > 0) return fault('too-soon', `this ticket was tried at ${last.at}`, leftMs);
  }
  if (isBegun) return { ok: true, value: pending };

  onStep?.('trust');
  const trust = await fetchTrust(settings, signal);
  if (!trust.ok) return trust;
  if (!vouchesFor(ticket, trust.value)) {
    return fault('wrong-fleet', `what answers at ${server} is not the fleet that made this ticket`);
  }
  onStep?.('key');
  const key = await newDeviceKey();
  const { ca, signingKeys } = trust.value;
  const begun: PendingEnrolment = {
    trust: { server, ca, signingKeys },
    key,
    csr: await newSigningRequest(key),
    secret: ticket.secret,
    told: null,
  };
  const at = new Date(clock.wallMs()).toISOString();
  await identity.update((held) => ({ ...held, pending: begun, attempt: { ticket: digest, at, refusals: last?.refusals ?? 0 } }));
  return { ok: true, value: begun };
}

async function submit(settings: Omit<EnrolSettings, 'ticket' | 'byHand' | 'server'>, pending: PendingEnrolment): Promise<EnrolOutcome> {
  const { identity, hostName, agent, clock, signal, onStep } = settings;
  const { trust, csr, secret } = pending;
  onStep?.('ask');
  const client = createFleetClient({ ...settings, server: trust.server, ca: trust.ca, credentials: null });
  const stop = () => void client.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let answer: Answer<EnrolAnswer>;
  try {
    answer = await client.enrol({ schema: 1, secret, csr, hostName, agent });
  } finally {
    signal.removeEventListener('abort', stop);
    await client.close();
  }
  const at = new Date(clock.wallMs()).toISOString();
  if (!answer.ok) {
    if (answer.fault.code === 'ticket-refused') {
      const ticket = ticketDigest(secret);
      await identity.update((held) => ({ ...held, pending: null, attempt: { ticket, at, refusals: (held.attempt?.refusals ?? 0) + 1 } }));
    }
    return failed(answer.fault);
  }
  if (answer.value.status === 'pending') {
    const { retryAfterSec } = answer.value;
    await identity.update((held) => ({ ...held, pending: { ...pending, told: { at, retryAfterSec } } }));
    return { status: 'pending', retryAfterMs: retryAfterSec * 1_000 };
  }
  const { certificate, device, instance, releaseSecret } = answer.value;
  const usable = checkCertificate(certificate, pending.key, trust.ca, clock.wallMs());
  if (!usable.ok) return failed(usable.fault);
  const enrolled: Enrolment = { trust, key: pending.key, certificate, device, instance, releaseSecret, enrolledAt: at };
  // The ticket's secret goes with what was pending.
  await identity.update((held) => ({ ...held, pending: null, attempt: null, revokedAt: null, enrolled }));
  return { status: 'enrolled', enrolled };
}

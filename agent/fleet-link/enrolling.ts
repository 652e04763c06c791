import type { DaemonConfig } from '../../contracts/config.ts';
import type { Identity } from '../../contracts/identity.ts';
import { askAgain, type EnrolOutcome, type EnrolSettings, enrol } from './enrol.ts';
import type { LinkFault } from './link-failure.ts';
import { jittered, restLeftMs, retryMs } from './pace.ts';
import { readTicketFile } from './ticket.ts';

/** IT may put another ticket in the file's place. */
const TICKET_LOOK_MS = 60_000;

export interface EnrollingSettings extends Omit<EnrolSettings, 'server' | 'ticket' | 'byHand'> {
  enrolment: DaemonConfig['enrolment'];
  /** Who must own the ticket's file; root. */
  ticketOwnerUid?: number;
  random: () => number;
}

export interface Enrolling {
  /** Does what is due; null when nothing was. `wants`: the desk has no enrolment that it can use. */
  step(identity: Identity, wants: boolean): Promise<EnrolOutcome | null>;
  /** Milliseconds until something may be due. */
  waitMs(identity: Identity, wants: boolean): number;
  /** The last failure counts no more: the network, or the identity, is another. */
  hurry(): void;
}

/** What a desk does by itself to be enrolled: asks by the ticket that IT left it, and asks on while it waits for approval. */
export function createEnrolling({ enrolment, ticketOwnerUid, random, ...settings }: EnrollingSettings): Enrolling {
  const { clock } = settings;
  let failures = 0;
  let notBeforeMs = 0;

  async function byTicket(): Promise<EnrolOutcome | null> {
    if (enrolment?.ticketFile === undefined) return null;
    const ticket = await readTicketFile(enrolment.ticketFile, ticketOwnerUid);
    if (!ticket.ok) return { status: 'failed', fault: ticket.fault };
    return enrol({ ...settings, server: enrolment.server, ticket: ticket.value, byHand: false });
  }

  function restMs(why: LinkFault): number {
    if (['too-soon', 'ticket-refused', 'ticket-file', 'bad-ticket'].includes(why.code)) return TICKET_LOOK_MS;
    failures += 1;
    return jittered(why.retryAfterMs ?? retryMs(failures), random());
  }

  function waitMs({ pending }: Identity, wants: boolean): number {
    const restLeft = notBeforeMs - clock.monotonicMs();
    if (pending) {
      const told = pending.told;
      return Math.max(0, restLeft, told ? restLeftMs(told.at, told.retryAfterSec * 1_000, clock.wallMs()) : 0);
    }
    return wants && enrolment?.ticketFile !== undefined ? Math.max(0, restLeft) : Number.POSITIVE_INFINITY;
  }

  return {
    waitMs,
    async step(identity, wants) {
      if (waitMs(identity, wants) > 0) return null;
      const outcome = identity.pending ? await askAgain(settings) : await byTicket();
      if (outcome?.status === 'failed') notBeforeMs = clock.monotonicMs() + restMs(outcome.fault);
      else failures = 0;
      return outcome;
    },
    hurry() {
      failures = 0;
      notBeforeMs = 0;
    },
  };
}

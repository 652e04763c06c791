import {
  RevokedTicketAnswer,
  TicketAnswer,
  TicketParams,
  TicketRequest,
  TicketsAnswer,
  TicketsQuery,
} from '../../contracts/console/enrolment.ts';
import type { VerificationKey } from '../../contracts/signed-document.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { ticketText } from './ticket-text.ts';
import { createTicket, listTickets, revokeTicket } from './tickets.ts';

/** Requirement S0-34: what lets a desk in lives for a day, unless the operator of the server says otherwise. */
const TICKET_LIFE_SEC = 86_400;

/** A record of the audit names so many things at most. */
const MOST_NAMED = 900;

export interface TicketRoutesDeps {
  /** The CA's certificate in PEM. */
  ca: string;
  signingKeys(): Promise<VerificationKey[]>;
  mostTicketLifeSec?: number;
}

export function ticketRoutes({ ca, signingKeys, mostTicketLifeSec = TICKET_LIFE_SEC }: TicketRoutesDeps): readonly Route[] {
  return [
    consoleRoute({
      method: 'POST',
      path: '/api/v1/tickets',
      summary: 'Make a ticket by which desks enrol; its text is shown this once',
      who: 'signed-in',
      needs: 'Tickets.Create',
      body: TicketRequest,
      answer: TicketAnswer,
      status: 201,
      handle: async ({ tx, actor, now, body, audit, decidedBy }) => {
        const [firstKey] = await signingKeys();
        if (!firstKey) throw new FleetFault('unavailable', 'this server has no signing key yet', { retryAfterSec: 30 });
        const { ticket, secret, rule } = await createTicket({ tx, actor, now }, body, mostTicketLifeSec);
        decidedBy(rule);
        audit({ type: 'ticket', id: ticket.id }, { after: ticket });
        return { ticket, text: ticketText(secret, ca, firstKey) };
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/tickets',
      summary: 'Tickets, the newest first, without their secrets',
      who: 'signed-in',
      needs: 'Tickets.View',
      query: TicketsQuery,
      answer: TicketsAnswer,
      handle: ({ tx, actor, now, query }) => listTickets({ tx, actor, now }, query),
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/tickets/:ticket/revoke',
      summary: 'End a ticket; desks that wait by it are declined, desks that enrolled by it stay',
      who: 'signed-in',
      needs: 'Tickets.Revoke',
      params: TicketParams,
      answer: RevokedTicketAnswer,
      handle: async ({ tx, actor, now, params, audit, decidedBy }) => {
        const target = { type: 'ticket', id: params.ticket };
        const { ticket, declined, before, rule } = await revokeTicket({ tx, actor, now }, params.ticket).catch((refusal) => {
          audit(target);
          throw refusal;
        });
        decidedBy(rule);
        for (const device of declined.slice(0, MOST_NAMED)) audit({ type: 'device', id: device });
        audit(target, { before, after: ticket });
        return { ticket, declined: declined.length };
      },
    }),
  ];
}

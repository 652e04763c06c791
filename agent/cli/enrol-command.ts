import { Ticket } from '../../contracts/fleet-api.ts';
import { readTicketFile } from '../fleet-link/ticket.ts';
import type { Command } from './arguments.ts';
import { cleanText } from './clean-text.ts';
import { readConfig } from './config-file.ts';
import { complain, readConfigOrDefaults, tellingDiskTrouble } from './daemon-link.ts';
import {
  type Desk,
  EXIT_CANNOT_START,
  EXIT_NO_INPUT,
  EXIT_NOT_ROOT,
  EXIT_REFUSED,
  EXIT_TRY_AGAIN,
  EXIT_USAGE,
  type Place,
} from './desk.ts';
import { gateMessages, enrolMessages as say } from './messages.ts';

const MAX_TICKET_CHARS = 1_024;

/** Trouble that passes by itself, or that IT mends elsewhere than on this desk's command line. */
const passing = new Set(['offline', 'dns', 'refused', 'timed-out', 'slow-down', 'unavailable', 'too-soon', 'internal']);

export async function runEnrol(command: Command & { kind: 'enrol' }, desk: Desk, place: Place): Promise<number> {
  if (place.uid !== 0) {
    complain(place, gateMessages.needsRoot('enrol'));
    return EXIT_NOT_ROOT;
  }
  const config = await readConfigOrDefaults(desk, place, true);
  if (config === null) return EXIT_USAGE;
  const read = await readTicket(command.ticketFile, place);
  if (!read.ok) {
    place.signal.throwIfAborted();
    complain(place, say.noTicket(read.why));
    return EXIT_NO_INPUT;
  }
  const ticket = Ticket.safeParse(read.line);
  if (!ticket.success) {
    complain(place, say.badTicket);
    return EXIT_USAGE;
  }
  const { server } = command;
  return tellingDiskTrouble(place, async () => {
    const outcome = await desk.enrol({
      config,
      server,
      ticket: ticket.data,
      signal: place.signal,
      onStep: (step) => place.stderr.write(`${cleanText(say.steps[step](server))}\n`),
    });
    switch (outcome.status) {
      case 'enrolled': {
        const { device, instance } = outcome.enrolled;
        place.stdout.write(`${cleanText(say.enrolled(device, instance.alias, instance.region))}\n${say.next}\n`);
        const found = await readConfig(desk.configPath);
        if (!found.ok) place.stdout.write(`${say.noConfig(desk.configPath)}\n`);
        return 0;
      }
      case 'pending':
        place.stdout.write(`${say.pending}\n`);
        return EXIT_TRY_AGAIN;
      case 'failed': {
        place.signal.throwIfAborted();
        const { code, detail } = outcome.fault;
        complain(place, say.failed(code, detail.replaceAll(ticket.data, 'dw1.…')));
        if (code === 'not-stored') return EXIT_CANNOT_START;
        return passing.has(code) ? EXIT_TRY_AGAIN : EXIT_REFUSED;
      }
    }
  });
}

type TicketRead = { ok: true; line: string } | { ok: false; why: string };

async function readTicket(path: string, place: Place): Promise<TicketRead> {
  if (path === '-') {
    // A terminal shows what is typed into it.
    if (place.stdin.isTerminal) return { ok: false, why: 'terminal' };
    return place.stdin.readLine(MAX_TICKET_CHARS, place.signal);
  }
  const read = await readTicketFile(path, place.uid);
  return read.ok ? { ok: true, line: read.value } : { ok: false, why: read.fault.detail };
}

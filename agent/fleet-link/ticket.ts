import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Ticket, type TrustAnswer } from '../../contracts/fleet-api.ts';
import { errnoOf } from '../store/store-error.ts';
import { type Answer, fault } from './link-failure.ts';

/** A ticket has 91 characters; some editors add a mark at the beginning and a line's end. */
const MAX_TICKET_BYTES = 200;
const OTHERS = 0o077;

export interface ReadTicket {
  /** 32 bytes in base64url: what the fleet knows the ticket by. */
  secret: string;
  /** What it vouches for, as SHA-256. */
  fingerprint: Buffer;
}

export function readTicket(text: string): Answer<ReadTicket> {
  const ticket = Ticket.safeParse(text.trim());
  if (!ticket.success) return fault('bad-ticket', 'expected dw1.<secret>.<fingerprint>');
  const [, secret = '', fingerprint = ''] = ticket.data.split('.');
  return { ok: true, value: { secret, fingerprint: Buffer.from(fingerprint, 'base64url') } };
}

/** By which a ticket is known again, without keeping it. */
export function ticketDigest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether the fleet that answers is the one that made the ticket. */
export function vouchesFor({ fingerprint }: ReadTicket, { ca, signingKeys }: TrustAnswer): boolean {
  const [first] = signingKeys;
  if (!first) return false;
  let der: Buffer;
  try {
    der = new X509Certificate(ca).raw;
  } catch {
    return false;
  }
  const found = createHash('sha256').update(der).update(Buffer.from(first.x, 'base64url')).digest();
  return found.length === fingerprint.length && timingSafeEqual(found, fingerprint);
}

/** The text of a ticket's file, which no user may have been able to read or write. */
export async function readTicketFile(path: string, ownerUid = 0): Promise<Answer<string>> {
  const refused = (why: string) => fault('ticket-file', `${path}: ${why}`);
  try {
    // O_NONBLOCK: a pipe in its place must not hang us.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const { mode, uid, size } = await handle.stat();
      if ((mode & constants.S_IFMT) !== constants.S_IFREG) return refused('is not a regular file');
      if (uid !== ownerUid) return refused(`belongs to user ${uid}; it must belong to ${ownerUid === 0 ? 'root' : ownerUid}`);
      if ((mode & OTHERS) !== 0) return refused(`can be read or written by others (mode ${(mode & 0o777).toString(8)}); make it 600`);
      if (size > MAX_TICKET_BYTES) return refused(`has ${size} bytes, more than a ticket`);
      return { ok: true, value: (await handle.readFile('utf8')).replace(/^\uFEFF/, '').trim() };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return refused(errnoOf(error) === 'ENOENT' ? 'there is none' : `cannot be read (${errnoOf(error) || 'unknown'})`);
  }
}

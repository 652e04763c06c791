import { type SqlBool, sql } from 'kysely';
import { enter, NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { plainAddress } from './address.ts';
import { ticketDigest } from './ticket-text.ts';

export interface PresentedTicket {
  tenant: string;
  instance: string;
  id: string;
  approval: 'automatic' | 'manual';
  group: string | null;
  tags: unknown;
  /** Why no further desk enrols by it; null while desks do. */
  spent: string | null;
  /** Nothing comes of it any more, for desks that began by it either. */
  void: boolean;
}

/** The ticket whose secret was shown, whosever it is; null for a secret that is no ticket's. Goes on in the ticket's tenant. */
export async function enterByTicket(tx: Tx, secret: string, address: string, now: Date): Promise<PresentedTicket | null> {
  const presented = ticketDigest(secret);
  await enter(tx, { tenant: NIL_ID, presented });
  const inNetwork = sql<SqlBool>`(cidrs = '{}' or coalesce(${plainAddress(address)}::inet <<= any(cidrs), false))`;
  const row = await tx
    .selectFrom('ticket')
    .select(['tenant_id', 'instance_id', 'id', 'approval', 'group_id', 'tags', 'used', 'max_uses', 'expires_at', 'revoked_at'])
    .select(inNetwork.as('in_network'))
    .where('secret_hash', '=', Buffer.from(presented))
    .executeTakeFirst();
  if (!row) return null;
  await enter(tx, { tenant: row.tenant_id, instance: row.instance_id });
  const spent = row.revoked_at !== null ? 'revoked' : row.expires_at <= now ? 'expired' : row.used >= row.max_uses ? 'used up' : null;
  return {
    tenant: row.tenant_id,
    instance: row.instance_id,
    id: row.id,
    approval: row.approval,
    group: row.group_id,
    tags: row.tags,
    spent: row.in_network ? spent : 'not for this network',
    void: row.revoked_at !== null || !row.in_network,
  };
}

/**
 * One use; refused when a concurrent enrolment took the last one. To come last before the commit: until then every other enrolment
 * by this ticket waits.
 */
export async function takeUse(tx: Tx, ticket: PresentedTicket, now: Date): Promise<void> {
  const taken = await tx
    .updateTable('ticket')
    .set({ used: sql<number>`used + 1` })
    .where('id', '=', ticket.id)
    .whereRef('used', '<', 'max_uses')
    .where('expires_at', '>', now)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (!taken) throw ticketRefused('used up');
}

export function ticketRefused(why: string): FleetFault {
  return new FleetFault('ticket-refused', `the ticket is refused: ${why}`);
}

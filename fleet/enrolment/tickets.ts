import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { TicketEntry, TicketRequest, TicketsAnswer, TicketsQuery } from '../../contracts/console/enrolment.ts';
import type { Actor } from '../access/actor.ts';
import { may, type Resource } from '../access/decide.ts';
import { deviceFilter } from '../access/filter.ts';
import { pathOfGroup } from '../access/hierarchy.ts';
import { demand } from '../access/refusal.ts';
import type { TicketTable } from '../db/tables/desk-tables.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { pageOf, readMark } from './page.ts';
import { newTicketSecret, ticketDigest } from './ticket-text.ts';

const StoredTags = z.record(z.string(), z.string());

interface Asked {
  tx: Tx;
  actor: Actor;
  now: Date;
}

type TicketRow = Omit<Selectable<TicketTable>, 'secret_hash' | 'tenant_id'>;
const columns = [
  'instance_id',
  'id',
  'max_uses',
  'used',
  'expires_at',
  'cidrs',
  'group_id',
  'tags',
  'approval',
  'created_by',
  'created_at',
  'revoked_at',
] as const;

/** A ticket for desks that its maker could let in himself. Gives the secret, which nobody keeps. */
export async function createTicket(
  { tx, actor, now }: Asked,
  request: TicketRequest,
  mostLifeSec: number,
): Promise<{ ticket: TicketEntry; secret: string; rule: string }> {
  const { instance, maxUses, expiresInSec, cidrs, group, tags } = request;
  const groupPath = await pathOfGroup(tx, group);
  const place: Resource = { groupPath, tags };
  const rule = demand(may(actor, 'Tickets.Create', place));
  if (group !== null && groupPath === null) throw new FleetFault('bad-request', 'there is no such group', { path: 'body.group' });
  if (expiresInSec > mostLifeSec) {
    throw new FleetFault('bad-request', `tickets of this server live for ${mostLifeSec} s at most`, { path: 'body.expiresInSec' });
  }
  const known = await tx.selectFrom('instance').select('instance_id').where('instance_id', '=', instance).executeTakeFirst();
  if (!known) throw new FleetFault('bad-request', 'there is no such instance', { path: 'body.instance' });
  const approval = request.approval ?? (await defaultApproval(tx));
  // Whoever may not let a desk in cannot make a ticket that does.
  if (approval === 'automatic') demand(may(actor, 'Devices.Approve', place));
  const secret = newTicketSecret();
  const row = await tx
    .insertInto('ticket')
    .values({
      tenant_id: actor.tenant,
      instance_id: instance,
      id: randomUUID(),
      secret_hash: ticketDigest(secret),
      max_uses: maxUses,
      expires_at: new Date(now.getTime() + expiresInSec * 1_000),
      cidrs: sql<string[]>`array(select network(given::inet)::cidr from unnest(${cidrs}::text[]) as given)`,
      group_id: group,
      tags: JSON.stringify(tags),
      approval,
      created_by: actor.account,
      created_at: now,
    })
    .returning(columns)
    .executeTakeFirstOrThrow();
  return { ticket: entryOf(row, now), secret, rule };
}

async function defaultApproval(tx: Tx): Promise<'automatic' | 'manual'> {
  const { default_approval } = await tx.selectFrom('tenant_settings').select('default_approval').executeTakeFirstOrThrow();
  return default_approval === 'automatic' ? 'automatic' : 'manual';
}

/** Those for desks that the actor may see tickets for, the newest first. */
export async function listTickets({ tx, actor, now }: Asked, { limit, after }: TicketsQuery): Promise<TicketsAnswer> {
  const mark = readMark(after);
  const rows = await tx
    // A ticket stands for the desks that will come by it: they have its group and tags, and no owner.
    .selectFrom((from) => from.selectFrom('ticket').select(columns).select(sql<null>`null::uuid`.as('owner_id')).as('ticket'))
    .select(columns)
    .where(deviceFilter(actor, 'Tickets.View', 'ticket'))
    .$if(mark !== null, (query) => query.where(sql<boolean>`(created_at, id) < (${mark?.at ?? null}, ${mark?.id ?? null}::uuid)`))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(
    rows,
    limit,
    (row) => ({ at: row.created_at, id: row.id }),
    (row) => entryOf(row, now),
  );
}

/** Ends a ticket, together with the desks that wait for approval by it. */
export async function revokeTicket({ tx, actor, now }: Asked, id: string) {
  const before = await tx.selectFrom('ticket').select(columns).where('id', '=', id).forUpdate().executeTakeFirst();
  if (!before) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  const place: Resource = { groupPath: await pathOfGroup(tx, before.group_id), tags: StoredTags.parse(before.tags) };
  const rule = demand(may(actor, 'Tickets.Revoke', place));
  const after = { ...before, revoked_at: before.revoked_at ?? now };
  await tx.updateTable('ticket').set({ revoked_at: after.revoked_at }).where('id', '=', id).execute();
  const declined = await tx
    .updateTable('device')
    .set({ status: 'declined', status_changed_at: now })
    .where('ticket_id', '=', id)
    .where('status', '=', 'pending')
    .returning('id')
    .execute();
  return { ticket: entryOf(after, now), declined: declined.map((device) => device.id), before: entryOf(before, now), rule };
}

function entryOf(row: TicketRow, now: Date): TicketEntry {
  return {
    id: row.id,
    instance: row.instance_id,
    state: row.revoked_at !== null ? 'revoked' : row.expires_at <= now ? 'expired' : row.used >= row.max_uses ? 'used-up' : 'open',
    maxUses: row.max_uses,
    used: row.used,
    expiresAt: row.expires_at.toISOString(),
    cidrs: row.cidrs,
    group: row.group_id,
    tags: StoredTags.parse(row.tags),
    approval: row.approval,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}

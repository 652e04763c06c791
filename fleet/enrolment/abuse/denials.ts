import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { DenialEntry, DenialQuery, DenialsQuery } from '../../../contracts/console/enrolment.ts';
import type { Actor } from '../../access/actor.ts';
import { demandAtAll } from '../../access/refusal.ts';
import type { DenyEntryTable } from '../../db/tables/desk-tables.ts';
import { enter, NIL_ID, type Tx } from '../../db/tenancy.ts';
import { pageOf, readMark } from '../page.ts';
import type { Denial } from './deny-list.ts';

interface Asked {
  tx: Tx;
  actor: Actor;
  now: Date;
}

type Entry = z.infer<typeof DenialEntry>;
type Row = Selectable<DenyEntryTable>;

const MarkId = z.string().regex(/^(address|device|account) [ -~]{1,100}$/);

/** Addresses are kept out of the whole deployment: its operator sees them, and the tenant that has it for itself. */
async function scopesOf({ tx, actor }: Omit<Asked, 'now'>): Promise<string[]> {
  const tenants = await tx.selectFrom('tenant').select('id').limit(2).execute();
  return actor.kind === 'operator' || tenants.length === 1 ? [actor.tenant, NIL_ID] : [actor.tenant];
}

export async function listDenials({ tx, actor, now }: Asked, { limit, after }: z.infer<typeof DenialsQuery>) {
  const rule = demandAtAll(actor, 'Tenant.View');
  const mark = readMark(after, MarkId);
  const rows: Row[] = [];
  for (const tenant of await scopesOf({ tx, actor })) {
    await enter(tx, { tenant });
    const found = await tx
      .selectFrom('deny_entry')
      .selectAll()
      .where('until', '>', now)
      .$if(mark !== null, (query) => query.where(sql<boolean>`(at, kind || ' ' || subject) < (${mark?.at ?? null}, ${mark?.id ?? null})`))
      .orderBy('at', 'desc')
      .orderBy(sql`kind || ' ' || subject`, 'desc')
      .limit(limit + 1)
      .execute();
    rows.push(...found);
  }
  await enter(tx, { tenant: actor.tenant });
  rows.sort((a, b) => b.at.getTime() - a.at.getTime() || (markOf(a) < markOf(b) ? 1 : -1));
  const page = pageOf(rows, limit, (row) => ({ at: row.at, id: markOf(row) }), entryOf);
  return { page, rule };
}

/** Null: there was no such entry. */
export async function removeDenial(
  { tx, actor, now }: Asked,
  { kind, subject }: z.infer<typeof DenialQuery>,
): Promise<{ removed: Denial | null; rule: string }> {
  const rule = demandAtAll(actor, 'Tenant.Edit');
  let removed: Denial | null = null;
  for (const tenant of await scopesOf({ tx, actor })) {
    await enter(tx, { tenant });
    const gone = await tx
      .deleteFrom('deny_entry')
      .where('kind', '=', kind)
      .where('subject', '=', subject)
      .returning('until')
      .executeTakeFirst();
    if (gone && gone.until > now) removed = { tenant, kind, subject };
  }
  await enter(tx, { tenant: actor.tenant });
  return { removed, rule };
}

function markOf({ kind, subject }: Pick<Row, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`;
}

function entryOf({ tenant_id, kind, subject, because, at, until }: Row): Entry {
  return { kind, subject, because, at: at.toISOString(), until: until.toISOString(), everywhere: tenant_id === NIL_ID };
}

import { sql } from 'kysely';
import { type AuditEntry, type AuditQuery, AuditRecord } from '../../contracts/console/audit.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { openSource } from './source.ts';

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** Newest first. */
export async function searchAudit(tx: Tx, keyring: Keyring, tenant: string, query: AuditQuery): Promise<Page<AuditEntry>> {
  let wanted = tx.selectFrom('audit_record').select(['audit_record.seq', 'hash', 'record', 'source_sealed']);
  const { targetType, targetId } = query;
  if (targetType !== undefined && targetId !== undefined)
    wanted = wanted
      .innerJoin('audit_target', (join) =>
        join.onRef('audit_target.tenant_id', '=', 'audit_record.tenant_id').onRef('audit_target.seq', '=', 'audit_record.seq'),
      )
      .where('audit_target.type', '=', targetType)
      .where('audit_target.id', '=', targetId);
  if (query.from !== undefined) wanted = wanted.where('at', '>=', new Date(query.from));
  if (query.to !== undefined) wanted = wanted.where('at', '<', new Date(query.to));
  if (query.actor !== undefined) wanted = wanted.where('actor', '=', query.actor);
  if (query.action !== undefined) wanted = wanted.where('action', '=', query.action);
  if (query.after !== undefined) wanted = wanted.where('audit_record.seq', '<', readCursor(query.after));
  const rows = await wanted
    .orderBy('audit_record.seq', 'desc')
    .limit(query.limit + 1)
    .execute();
  const page = pageOf(rows, query.limit);
  const items: AuditEntry[] = [];
  for (const row of page.items) {
    const record = AuditRecord.parse(JSON.parse(row.record));
    const sealed = query.source === undefined ? null : row.source_sealed;
    const source = sealed && (await openSource(keyring, tx, tenant, record.eventId, sealed));
    items.push({ seq: row.seq, hash: row.hash.toString('hex'), record, ...(source && { source }) });
  }
  return { items, next: page.next };
}

/** What changed a thing: records about it that name a change, or that are no mere look and succeeded. Newest first. */
export async function changesOf(
  tx: Tx,
  target: { type: string; id: string },
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Page<{ seq: number; record: AuditRecord }>> {
  let wanted = tx
    .selectFrom('audit_target')
    .innerJoin('audit_record', (join) =>
      join.onRef('audit_record.tenant_id', '=', 'audit_target.tenant_id').onRef('audit_record.seq', '=', 'audit_target.seq'),
    )
    .select(['audit_record.seq', 'audit_record.record'])
    .where('audit_target.type', '=', target.type)
    .where('audit_target.id', '=', target.id)
    .where('audit_record.action', 'not like', 'GET %')
    .where(sql<boolean>`(audit_record.record::jsonb ->> 'status')::int < 400`);
  if (after !== undefined) wanted = wanted.where('audit_target.seq', '<', readCursor(after));
  const rows = await wanted
    .orderBy('audit_target.seq', 'desc')
    .limit(limit + 1)
    .execute();
  const page = pageOf(rows, limit);
  return { items: page.items.map(({ seq, record }) => ({ seq, record: AuditRecord.parse(JSON.parse(record)) })), next: page.next };
}

function pageOf<R extends { seq: number }>(rows: R[], limit: number): Page<R> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? Buffer.from(String(last.seq)).toString('base64url') : null };
}

function readCursor(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!/^\d{1,15}$/.test(text)) throw new FleetFault('bad-request', 'no cursor of this list', { path: 'querystring.after' });
  return Number(text);
}

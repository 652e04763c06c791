import { sql } from 'kysely';
import { AuditRecord } from '../../contracts/console/audit.ts';
import type { Tx } from '../db/tenancy.ts';

export type { AuditRecord } from '../../contracts/console/audit.ts';

/**
 * Adds one record to the tenant's chain and gives its number. To be the last statement before the commit: the chain's head stays
 * locked until then. Unattributed calls go to NIL_ID. `sourceSealed` is what `sealSource` made.
 */
export async function appendAudit(tx: Tx, tenant: string, record: AuditRecord, sourceSealed: Uint8Array | null = null): Promise<number> {
  const targets = record.targets.map(({ type, id }) => ({ type, id: storable(id.slice(0, 200)) }));
  const { at, actor, action, ...rest } = AuditRecord.parse({ ...record, targets });
  const text = JSON.stringify({ at, actor, action, ...rest }, (_, value) => (typeof value === 'string' ? storable(value) : value));
  const { rows } = await sql<{ seq: number }>`
    select append_audit(${tenant}, ${text}, ${sourceSealed && Buffer.from(sourceSealed)}) as seq`.execute(tx);
  const seq = rows[0]?.seq;
  if (seq === undefined) throw new Error('the audit chain gave no number');
  return seq;
}

/** PostgreSQL's text and jsonb hold neither NUL nor half a surrogate pair; ids come from strangers' paths. */
function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\ufffd');
}

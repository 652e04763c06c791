import { randomUUID } from 'node:crypto';
import { AuditRecord } from '../../contracts/console/audit.ts';
import type { Db, Tx } from '../db/tenancy.ts';
import { appendAudit } from './append.ts';
import type { Link } from './chain.ts';

const ACTION = 'audit.removed';
/** Of one transaction, which holds the chain's head. */
const BATCH = 5_000;
const DAY_MS = 86_400_000;

/**
 * Removes the records that are older than `days`, from the oldest on. The last one that went stays as the chain's anchor, from
 * which the rest is verified, and a record of the chain vouches for it. Returns how many went.
 */
export async function removeOldAudit(db: Db, tenant: string, days: number, now: Date): Promise<number> {
  const before = new Date(now.getTime() - days * DAY_MS);
  let removed = 0;
  for (;;) {
    const count = await db.within({ tenant }, (tx) => removeBatch(tx, tenant, before, now));
    removed += count;
    if (count < BATCH) return removed;
  }
}

async function removeBatch(tx: Tx, tenant: string, before: Date, now: Date): Promise<number> {
  const head = await tx.selectFrom('audit_head').select('anchor_seq').where('tenant_id', '=', tenant).forUpdate().executeTakeFirst();
  if (!head) return 0;
  const oldest = await tx
    .selectFrom('audit_record')
    .select(['seq', 'hash', 'at'])
    .where('seq', '>', head.anchor_seq)
    .orderBy('seq')
    .limit(BATCH)
    .execute();
  // Times do not rise strictly: the first young record ends it, and what is old behind it goes another day.
  const young = oldest.findIndex(({ at }) => at >= before);
  const old = young === -1 ? oldest : oldest.slice(0, young);
  const last = old.at(-1);
  if (!last) return 0;
  await tx.deleteFrom('audit_record').where('seq', '<=', last.seq).execute();
  await tx.deleteFrom('audit_target').where('seq', '<=', last.seq).execute();
  await tx.updateTable('audit_head').set({ anchor_seq: last.seq, anchor_hash: last.hash }).where('tenant_id', '=', tenant).execute();
  await appendAudit(tx, tenant, {
    eventId: randomUUID(),
    at: now.toISOString(),
    actor: { kind: 'system' },
    action: ACTION,
    status: 200,
    targets: [{ type: 'audit', id: `${last.seq}:${last.hash.toString('hex')}` }],
    requestId: 'retention',
    count: old.length,
  });
  return old.length;
}

/** The link that a record of a removal names as the last one that went; null for any other record. */
export function removalOf(record: string): Link | null {
  if (!record.includes(`"${ACTION}"`)) return null;
  const { action, actor, targets } = AuditRecord.parse(JSON.parse(record));
  const [, seq, hash] = /^(\d+):([0-9a-f]{64})$/.exec(targets[0]?.id ?? '') ?? [];
  if (action !== ACTION || actor.kind !== 'system' || !seq || !hash) return null;
  return { seq: Number(seq), hash: Buffer.from(hash, 'hex') };
}

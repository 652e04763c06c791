import { sql } from 'kysely';
import { AuditRecord } from '../../contracts/console/audit.ts';
import type { Db } from '../db/tenancy.ts';
import type { Link } from './chain.ts';

const ACTION = 'audit.removed';
/** Of one transaction, which holds the chain's head. */
const BATCH = 5_000;
const DAY_MS = 86_400_000;

/**
 * Removes the records that are older than `days`, from the oldest on; none that the database itself finds too young for what the
 * tenant chose. The last one that went stays as the chain's anchor, from which the rest is verified, and a record of the chain
 * vouches for it. Returns how many went.
 */
export async function removeOldAudit(db: Db, tenant: string, days: number, now: Date): Promise<number> {
  const before = new Date(now.getTime() - days * DAY_MS);
  let removed = 0;
  for (;;) {
    const count = await db.within({ tenant }, async (tx) => {
      const { rows } = await sql<{ count: number }>`select remove_old_audit(${tenant}, ${before}, ${now}, ${BATCH}) as count`.execute(tx);
      return rows[0]?.count ?? 0;
    });
    removed += count;
    if (count < BATCH) return removed;
  }
}

/** The link that a record of a removal names as the last one that went; null for any other record. */
export function removalOf(record: string): Link | null {
  if (!record.includes(`"${ACTION}"`)) return null;
  const { action, actor, targets } = AuditRecord.parse(JSON.parse(record));
  const [, seq, hash] = /^(\d+):([0-9a-f]{64})$/.exec(targets[0]?.id ?? '') ?? [];
  if (action !== ACTION || actor.kind !== 'system' || !seq || !hash) return null;
  return { seq: Number(seq), hash: Buffer.from(hash, 'hex') };
}

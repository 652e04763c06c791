import { createHash } from 'node:crypto';
import { AuditRecord } from '../../contracts/console/audit.ts';

/** A place in a chain: a record's number and hash. */
export interface Link {
  seq: number;
  hash: Uint8Array;
}

export interface StoredRecord extends Link {
  /** Microseconds since 1970, as the database keeps them. */
  atMicros: bigint;
  actor: string;
  action: string;
  record: string;
  sourceSealed: Uint8Array | null;
}

export type Break =
  // The record, its source, its time or its hash is not what was written.
  | { seq: number; why: 'changed-record' }
  // Its hash is right, and yet what it is searched by is not what it says.
  | { seq: number; why: 'changed-index' }
  | { seq: number; why: 'missing-record' }
  | { seq: number; why: 'surplus-record' }
  // The last record is not the one that the chain's head names.
  | { seq: number; why: 'head-mismatch' }
  // Older records are gone, and no record of the chain says that retention took them.
  | { seq: number; why: 'unexplained-removal' }
  // It says that a link stood in the chain which does not, or nobody whose word counts signed it.
  | { seq: number; why: 'false-checkpoint' }
  // A link that was noted down outside is not in the chain.
  | { seq: number; why: 'checkpoint-mismatch' };

/** Before the first record. Of the tenant, so that no chain passes for another tenant's. */
export function startOfChain(tenant: string): Link {
  return { seq: 0, hash: createHash('sha256').update(`deskwarden audit ${tenant}`).digest() };
}

/** The same as `append_audit` of the migration computes; a test compares them. */
function hashRecord(before: Uint8Array, stored: Pick<StoredRecord, 'seq' | 'atMicros' | 'record' | 'sourceSealed'>): Buffer {
  const body = Buffer.from(stored.record, 'utf8');
  const fixed = Buffer.alloc(20);
  fixed.writeBigInt64BE(BigInt(stored.seq), 0);
  fixed.writeBigInt64BE(stored.atMicros, 8);
  fixed.writeInt32BE(body.length, 16);
  const sourceLength = Buffer.alloc(4);
  sourceLength.writeInt32BE(stored.sourceSealed?.length ?? -1, 0);
  return createHash('sha256')
    .update(before)
    .update(fixed)
    .update(body)
    .update(sourceLength)
    .update(stored.sourceSealed ?? new Uint8Array())
    .digest();
}

/** Whether `stored` follows `before`; null where it does. */
export function followsFrom(before: Link, stored: StoredRecord): Break | null {
  if (stored.seq > before.seq + 1) return { seq: before.seq + 1, why: 'missing-record' };
  if (stored.seq <= before.seq) return { seq: stored.seq, why: 'surplus-record' };
  if (!hashRecord(before.hash, stored).equals(stored.hash)) return { seq: stored.seq, why: 'changed-record' };
  if (!saysTheSame(stored)) return { seq: stored.seq, why: 'changed-index' };
  return null;
}

function saysTheSame(stored: StoredRecord): boolean {
  let parsed: AuditRecord;
  try {
    parsed = AuditRecord.parse(JSON.parse(stored.record));
  } catch {
    return false;
  }
  const { actor, action, at } = parsed;
  return stored.actor === (actor.id ?? actor.kind) && stored.action === action && stored.atMicros === BigInt(Date.parse(at)) * 1000n;
}

import { sql } from 'kysely';
import type { Db, Tx } from '../db/tenancy.ts';
import { type Break, followsFrom, type Link, type StoredRecord, startOfChain } from './chain.ts';
import { checkpointOf, isSignedBy, type Signer } from './checkpoint.ts';
import { removalOf } from './removal.ts';

/** A batch is at most a few MiB, and holds its transaction for less than a second. */
const BATCH = 1_000;

export interface VerifyOptions {
  /** First and last number to look at; by default the whole chain. */
  from?: number;
  to?: number;
  /** Links that were noted down outside of the database, such as an earlier result's `head`. */
  checkpoints?: readonly Link[];
  /** Whose signed checkpoints count. Not from the database alone: whoever can write to it could add a key. */
  signers?: readonly Signer[];
}

export interface Verified {
  checked: number;
  /** The first place where the chain does not hold. */
  broken: Break | null;
  /** The last link that was found to hold. Noted down outside, it makes a chain that was written anew show. */
  head: Link;
  /** The latest signed checkpoint that was found to hold: nobody without the key wrote anew what is before it. */
  signed: { seq: number; at: string } | null;
}

/** Reads a tenant's chain from its anchor on, in batches; records that are appended meanwhile are left for the next time. */
export async function verifyAudit(db: Db, tenant: string, options: VerifyOptions = {}): Promise<Verified> {
  const checkpoints = new Map(options.checkpoints?.map((link) => [link.seq, link.hash]));
  const head = await db.within({ tenant }, (tx) => readHead(tx, tenant));
  let before = await db.within({ tenant }, (tx) => startAt(tx, head, options.from));
  const anchor = head.anchor;
  const first = before.seq;
  const to = Math.min(options.to ?? Number.POSITIVE_INFINITY, head.seq);
  let explained = anchor.seq === 0 || options.from !== undefined || options.to !== undefined;
  let signed: Verified['signed'] = null;
  const result = (broken: Break | null): Verified => ({ checked: before.seq - first, broken, head: before, signed });

  while (before.seq < to) {
    const batch = await db.within({ tenant }, (tx) => readBatch(tx, before.seq, to));
    const moved = batch[0]?.seq === before.seq + 1 ? null : await db.within({ tenant }, (tx) => readHead(tx, tenant));
    if (moved && moved.anchor.seq > before.seq) {
      // Retention took meanwhile what was still to be looked at.
      return verifyAudit(db, tenant, options);
    }
    if (batch.length === 0) return result({ seq: before.seq + 1, why: 'missing-record' });
    for (const stored of batch) {
      const broken = followsFrom(before, stored);
      if (broken) return result(broken);
      const noted = checkpoints.get(stored.seq);
      if (noted && !Buffer.from(noted).equals(stored.hash)) return result({ seq: stored.seq, why: 'checkpoint-mismatch' });
      before = { seq: stored.seq, hash: stored.hash };
      const checkpoint = options.signers && checkpointOf(stored.record);
      if (checkpoint) {
        const { link, at } = checkpoint;
        const held = batch.find(({ seq }) => seq === link.seq)?.hash ?? (await db.within({ tenant }, (tx) => readHash(tx, link.seq)));
        // Of one that retention has removed, the signature alone.
        const holds = held ? Buffer.from(held).equals(link.hash) : link.seq <= anchor.seq;
        if (!holds || link.seq >= stored.seq || !isSignedBy(options.signers ?? [], tenant, checkpoint))
          return result({ seq: stored.seq, why: 'false-checkpoint' });
        signed = { seq: link.seq, at };
      }
      const removal = removalOf(stored.record);
      if (removal?.seq === anchor.seq && Buffer.from(removal.hash).equals(anchor.hash)) explained = true;
    }
  }

  if (options.to === undefined || options.to >= head.seq) {
    if (before.seq !== head.seq || !Buffer.from(before.hash).equals(head.hash)) return result({ seq: head.seq, why: 'head-mismatch' });
    const beyond = await db.within({ tenant }, (tx) => readStrays(tx, tenant));
    if (beyond !== null) return result({ seq: beyond, why: 'surplus-record' });
    const lost = [...checkpoints.keys()].find((seq) => seq > head.seq);
    if (lost !== undefined) return result({ seq: lost, why: 'checkpoint-mismatch' });
  }
  return result(explained ? null : { seq: anchor.seq, why: 'unexplained-removal' });
}

async function readHash(tx: Tx, seq: number): Promise<Uint8Array | null> {
  const row = await tx.selectFrom('audit_record').select('hash').where('seq', '=', seq).executeTakeFirst();
  return row?.hash ?? null;
}

interface Head extends Link {
  anchor: Link;
}

async function readHead(tx: Tx, tenant: string): Promise<Head> {
  const row = await tx
    .selectFrom('audit_head')
    .select(['seq', 'hash', 'anchor_seq', 'anchor_hash'])
    .where('tenant_id', '=', tenant)
    .executeTakeFirst();
  const start = startOfChain(tenant);
  if (!row) return { ...start, anchor: start };
  // The chain's start is computed, not believed.
  const anchor = row.anchor_seq === 0 ? start : { seq: row.anchor_seq, hash: row.anchor_hash };
  return { seq: row.seq, hash: row.hash, anchor };
}

/** The link before the first record to look at. */
async function startAt(tx: Tx, head: Head, from: number | undefined): Promise<Link> {
  if (from === undefined || from - 1 <= head.anchor.seq) return head.anchor;
  const row = await tx
    .selectFrom('audit_record')
    .select(['seq', 'hash'])
    .where('seq', '=', Math.min(from - 1, head.seq))
    .executeTakeFirst();
  return row ?? head.anchor;
}

async function readBatch(tx: Tx, after: number, to: number): Promise<StoredRecord[]> {
  const rows = await tx
    .selectFrom('audit_record')
    .select(['seq', 'hash', 'actor', 'action', 'record', 'source_sealed'])
    .select(sql<string>`((extract(epoch from at) * 1000000)::bigint)::text`.as('micros'))
    .where('seq', '>', after)
    .where('seq', '<=', to)
    .orderBy('seq')
    .limit(BATCH)
    .execute();
  return rows.map(({ micros, source_sealed, ...row }) => ({ ...row, atMicros: BigInt(micros), sourceSealed: source_sealed }));
}

/** A record outside of what anchor and head enclose, by the head as it is now. */
async function readStrays(tx: Tx, tenant: string): Promise<number | null> {
  const { rows } = await sql<{ seq: number }>`select r.seq from audit_record r left join audit_head h on h.tenant_id = r.tenant_id
    where r.tenant_id = ${tenant} and (h.seq is null or r.seq > h.seq or r.seq <= h.anchor_seq) order by r.seq limit 1`.execute(tx);
  return rows[0]?.seq ?? null;
}

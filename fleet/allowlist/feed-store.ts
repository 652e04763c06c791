import { sql } from 'kysely';
import { z } from 'zod';
import { FeedFaultCode } from '../../contracts/console/allowlist.ts';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import { FeedState } from './settle.ts';

const deployment = { tenant: NIL_ID, instance: NIL_ID };
/** A look ends by its own deadline long before; a replica that died in one gives the others theirs after this. */
const CLAIM_MS = 5 * 60_000;

const Fault = z.strictObject({ code: FeedFaultCode, detail: z.string() });

export interface StoredFeed {
  /** Null: nothing was ever read. */
  state: FeedState | null;
  etag: string | null;
  checkedAt: Date | null;
  usedAt: Date | null;
  fault: z.infer<typeof Fault> | null;
}

const nothing: StoredFeed = { state: null, etag: null, checkedAt: null, usedAt: null, fault: null };

export function readStoredFeed(db: Db): Promise<StoredFeed> {
  return db.within(deployment, async (tx) => {
    const row = await tx.selectFrom('allowlist_feed').selectAll().executeTakeFirst();
    return row ? toFeed(row) : nothing;
  });
}

/** The transaction that wrote the row last; empty where there is none. */
export function feedVersion(db: Db): Promise<string> {
  return db.within(deployment, async (tx) => {
    const row = await tx.selectFrom('allowlist_feed').select(sql<string>`xmin::text`.as('version')).executeTakeFirst();
    return row?.version ?? '';
  });
}

/** The right to look now: of all replicas one has it, and none before `notBefore` has passed since the last look. Null: not now. */
export function claimLook(db: Db, now: Date, minAgeMs: number): Promise<StoredFeed | null> {
  return db.within(deployment, async (tx) => {
    await ensureRow(tx);
    const row = await tx
      .updateTable('allowlist_feed')
      .set({ claimed_until: new Date(now.getTime() + CLAIM_MS) })
      .where((on) =>
        on.and([
          on.or([on('claimed_until', 'is', null), on('claimed_until', '<=', now)]),
          on.or([on('checked_at', 'is', null), on('checked_at', '<=', new Date(now.getTime() - minAgeMs))]),
        ]),
      )
      .returningAll()
      .executeTakeFirst();
    return row ? toFeed(row) : null;
  });
}

export function storeLook(db: Db, { state, etag, checkedAt, usedAt, fault }: StoredFeed): Promise<void> {
  return db.within(deployment, async (tx) => {
    await tx
      .updateTable('allowlist_feed')
      .set({
        state: state && JSON.stringify(state),
        etag,
        checked_at: checkedAt,
        used_at: usedAt,
        fault: fault && JSON.stringify(fault),
        claimed_until: null,
      })
      .execute();
  });
}

async function ensureRow(tx: Tx): Promise<void> {
  await tx
    .insertInto('allowlist_feed')
    .values({ tenant_id: NIL_ID, instance_id: NIL_ID })
    .onConflict((conflict) => conflict.column('tenant_id').doNothing())
    .execute();
}

function toFeed(row: { state: unknown; etag: string | null; checked_at: Date | null; used_at: Date | null; fault: unknown }): StoredFeed {
  return {
    state: row.state === null ? null : FeedState.parse(row.state),
    etag: row.etag,
    checkedAt: row.checked_at,
    usedAt: row.used_at,
    fault: row.fault === null ? null : Fault.parse(row.fault),
  };
}

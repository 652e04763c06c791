import { type Db, NIL_ID } from '../../db/tenancy.ts';

export type DenyKind = 'address' | 'device' | 'account';

export interface Denial {
  /** The nil tenant for an address, which is kept out of the whole deployment. */
  tenant: string;
  kind: DenyKind;
  subject: string;
}

/** What another server wrote acts here within this time. */
const REREAD_MS = 10_000;
/** Of one tenant. A flood from more addresses than these is met by the counters alone. */
const MOST_ENTRIES = 10_000;

interface Held {
  readAtMs: number;
  untilMs: Map<string, number>;
}

export interface DenyList {
  /** Until when; null for whoever is not kept out. */
  deniedUntil(denial: Denial): Promise<Date | null>;
  /** In this process at once, in the others within 10 s. False when it was so already, or the list is full. */
  add(denial: Denial, because: string, until: Date): Promise<boolean>;
  /** After a removal from the table. */
  forget(denial: Denial): void;
}

export function createDenyList({ db, now }: { db: Db; now: () => Date }): DenyList {
  const held = new Map<string, Held>();
  const reading = new Map<string, Promise<Held>>();

  async function read(tenant: string): Promise<Held> {
    const at = now();
    const rows = await db.within({ tenant }, (tx) =>
      tx
        .selectFrom('deny_entry')
        .select(['kind', 'subject', 'until'])
        .where('until', '>', at)
        .orderBy('until', 'desc')
        .limit(MOST_ENTRIES)
        .execute(),
    );
    const untilMs = new Map(rows.map((row) => [slotOf(row), row.until.getTime()]));
    const fresh = { readAtMs: at.getTime(), untilMs };
    held.set(tenant, fresh);
    return fresh;
  }

  function current(tenant: string): Promise<Held> {
    const known = held.get(tenant);
    const age = known ? now().getTime() - known.readAtMs : Number.POSITIVE_INFINITY;
    if (known && age >= 0 && age < REREAD_MS) return Promise.resolve(known);
    const running = reading.get(tenant) ?? read(tenant).finally(() => reading.delete(tenant));
    reading.set(tenant, running);
    // While the database does not answer, what was known still holds.
    return known ? running.catch(() => known) : running;
  }

  return {
    async deniedUntil(denial) {
      const untilMs = (await current(denial.tenant)).untilMs.get(slotOf(denial));
      return untilMs !== undefined && untilMs > now().getTime() ? new Date(untilMs) : null;
    },
    async add(denial, because, until) {
      const list = await current(denial.tenant);
      const slot = slotOf(denial);
      const at = now();
      if ((list.untilMs.get(slot) ?? 0) > at.getTime() || list.untilMs.size >= MOST_ENTRIES) return false;
      list.untilMs.set(slot, until.getTime());
      const { tenant, kind, subject } = denial;
      await db.within({ tenant }, async (tx) => {
        await tx.deleteFrom('deny_entry').where('until', '<=', at).execute();
        const row = { tenant_id: tenant, instance_id: NIL_ID, kind, subject, because, at, until };
        await tx
          .insertInto('deny_entry')
          .values(row)
          .onConflict((conflict) => conflict.columns(['tenant_id', 'kind', 'subject']).doUpdateSet({ because, at, until }))
          .execute();
      });
      return true;
    },
    forget: (denial) => void held.get(denial.tenant)?.untilMs.delete(slotOf(denial)),
  };
}

function slotOf({ kind, subject }: Pick<Denial, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`;
}

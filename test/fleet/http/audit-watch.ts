import { expect } from 'vitest';
import { z } from 'zod';
import type { AuditRecord } from '../../../fleet/audit/append.ts';
import { openSource } from '../../../fleet/audit/source.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import type { Reply, RunningServer } from '../running-server.ts';

export interface Recorded extends AuditRecord {
  chain: string;
}

export interface AuditWatch {
  /** A call that breaks nothing, tells nothing of our inside, and leaves one record. */
  harmless(send: () => Promise<Reply>, what: string): Promise<Reply>;
  /** Number of records, of all chains. */
  count(): Promise<number>;
  /** Of the tenant's chain and of that of calls which no tenant could be named for. */
  last(tenant?: string): Promise<Recorded | null>;
  sourceOf(record: Recorded): Promise<{ address: string; userAgent: string }>;
}

const INSIDE = /\bat .*\.[tj]s:\d|\bselect |insert into|node_modules|\/work\/|\bzod\b|\bpg_|relation "|violates|[A-Z]{2}\d{3}\b.*postgres/i;
/** Of signatures, keys and hashes: any word of three letters is in one of them sooner or later. */
const RANDOM = /[\w+/=-]{40,}/g;
const Fault = z.object({ error: z.strictObject({ code: z.string(), detail: z.string().max(500), path: z.string().optional() }) });

export function watchAudit({ store: { db, keyring }, tenant }: RunningServer, further: readonly string[] = []): AuditWatch {
  const chains = [NIL_ID, tenant, ...further];
  async function count(): Promise<number> {
    let sum = 0;
    for (const chain of chains) {
      const row = await db.within({ tenant: chain }, (tx) =>
        tx.selectFrom('audit_head').select('seq').where('tenant_id', '=', chain).executeTakeFirst(),
      );
      sum += Number(row?.seq ?? 0);
    }
    return sum;
  }

  return {
    count,
    async harmless(send, what) {
      const before = await count();
      const reply = await send();
      expect(reply.status, `${what}: ${reply.text.slice(0, 300)}`).toBeLessThan(500);
      expect(reply.status < 400 ? reply.text.replace(RANDOM, '') : reply.text, what).not.toMatch(INSIDE);
      if (reply.status >= 400) expect(Fault.safeParse(reply.body).success, `${what}: ${reply.text.slice(0, 300)}`).toBe(true);
      expect((await count()) - before, `${what}: one record in the audit (${reply.status})`).toBe(1);
      return reply;
    },
    async last(of = tenant) {
      const row = await db.within({ tenant: of }, (tx) =>
        tx.selectFrom('audit_record').select('record').orderBy('seq', 'desc').limit(1).executeTakeFirst(),
      );
      return row ? { ...(JSON.parse(row.record) as AuditRecord), chain: of } : null;
    },
    async sourceOf({ chain, eventId }) {
      return db.within({ tenant: chain }, async (tx) => {
        const rows = await tx.selectFrom('audit_record').select(['record', 'source_sealed']).orderBy('seq', 'desc').limit(20).execute();
        const row = rows.find(({ record }) => (JSON.parse(record) as AuditRecord).eventId === eventId);
        if (!row?.source_sealed) throw new Error('no source');
        return openSource(keyring, tx, chain, eventId, row.source_sealed);
      });
    },
  };
}

import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditRecord, appendAudit } from '../../../fleet/audit/append.ts';
import { removeOldAudit } from '../../../fleet/audit/removal.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { NIL_ID, openDb } from '../../../fleet/db/tenancy.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';

const START = Date.parse('2026-03-01T08:00:00.000Z');
const DAY_MS = 86_400_000;

function record(given: Partial<AuditRecord> = {}): AuditRecord {
  return {
    eventId: randomUUID(),
    at: new Date(START).toISOString(),
    actor: { kind: 'account', id: randomUUID(), mfa: true },
    action: 'POST /api/v1/desks/:id/tags',
    status: 200,
    targets: [{ type: 'device', id: randomUUID() }],
    requestId: 'req-1',
    ...given,
  };
}

// The reason stands in the name where it cannot run: whyNoDatabase() says what to install.
describeWithDatabase('the audit chain', () => {
  let database: TestDatabase;
  /** Past row-level security and grants, as somebody with the superuser's password. */
  let admin: pg.Client;

  beforeAll(async () => {
    database = await openTestDatabase();
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.end();
    await database?.close();
  });

  async function chainOf(count: number, recordAt: (index: number) => Partial<AuditRecord> = () => ({})): Promise<string> {
    const { tenant } = await addTenant(database.db);
    await database.db.within({ tenant }, async (tx) => {
      for (let index = 0; index < count; index += 1)
        await appendAudit(tx, tenant, record(recordAt(index)), index % 2 === 0 ? randomBytes(40) : null);
    });
    return tenant;
  }

  it('numbers without gaps while two replicas append at once, and verifies', async () => {
    const { tenant } = await addTenant(database.db);
    const replicas = [0, 1].map(() => openDb({ url: database.appUrl, applicationName: 'replica', max: 4, onError: () => undefined }));
    try {
      const seqs = await Promise.all(
        Array.from({ length: 120 }, (_, index) =>
          replicas[index % 2]
            ?.within({ tenant }, async (tx) => {
              const seq = await appendAudit(tx, tenant, record());
              // One in five is undone, as by a call that fails behind its record: its number must be given again.
              if (index % 5 === 0) throw new Error('undone');
              return seq;
            })
            .catch(() => null),
        ),
      );
      const given = seqs.filter((seq) => seq !== null);
      expect(given.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 96 }, (_, index) => index + 1));
      expect(await verifyAudit(database.db, tenant)).toMatchObject({ checked: 96, broken: null, head: { seq: 96 } });
    } finally {
      await Promise.all(replicas.map((replica) => replica.end()));
    }
  });

  it('keeps a chain for calls that nobody can be named for', async () => {
    await database.db.within({ tenant: NIL_ID }, (tx) => appendAudit(tx, NIL_ID, record({ actor: { kind: 'nobody' } })));
    expect((await verifyAudit(database.db, NIL_ID)).broken).toBeNull();
  });

  it('appends in no chain but that of the transaction', async () => {
    const [one, other] = [await chainOf(1), await chainOf(1)];
    await expect(database.db.within({ tenant: one }, (tx) => appendAudit(tx, other, record()))).rejects.toThrow(
      "is not of this transaction's tenant",
    );
    expect((await verifyAudit(database.db, other)).head.seq).toBe(1);
  });

  it('stores what a stranger can send in an id', async () => {
    const { tenant } = await addTenant(database.db);
    await database.db.within({ tenant }, (tx) =>
      appendAudit(tx, tenant, record({ targets: [{ type: 'policy', id: `\0\ud800"'${'x'.repeat(300)}` }] })),
    );
    expect((await verifyAudit(database.db, tenant)).broken).toBeNull();
  });

  const size = 12;
  const seqs = fc.integer({ min: 1, max: size });
  const tampering = fc.oneof(
    fc.record({
      kind: fc.constant('byte' as const),
      column: fc.constantFrom('record', 'source_sealed', 'hash'),
      seq: seqs,
      at: fc.nat(),
      bit: fc.nat(7),
    }),
    fc.record({ kind: fc.constant('time' as const), seq: seqs, micros: fc.integer({ min: 1, max: 10 ** 9 }) }),
    fc.record({ kind: fc.constant('index' as const), column: fc.constantFrom('actor', 'action'), seq: seqs }),
    fc.record({ kind: fc.constant('deleted' as const), seq: seqs }),
    fc.record({ kind: fc.constant('inserted' as const), seq: seqs }),
    fc.record({ kind: fc.constant('swapped' as const), seq: fc.integer({ min: 1, max: size - 1 }) }),
    fc.record({ kind: fc.constant('source' as const), seq: seqs }),
    fc.record({ kind: fc.constant('head' as const), by: fc.constantFrom(-1, 1) }),
    fc.record({ kind: fc.constant('appended' as const), by: fc.constantFrom(1, 2) }),
  );
  type Tampering = typeof tampering extends fc.Arbitrary<infer T> ? T : never;

  /** What verification must say of it: from this number on, or before. */
  async function tamper(tenant: string, change: Tampering): Promise<number> {
    const run = (text: string, ...values: unknown[]) => admin.query(text.replaceAll('$tenant', `'${tenant}'`), values);
    switch (change.kind) {
      case 'byte': {
        const { rows } = await run(`select ${change.column} as value from audit_record where tenant_id = $tenant and seq = $1`, change.seq);
        const value: unknown = rows[0].value;
        if (value === null) {
          await run(`update audit_record set source_sealed = '\\x' where tenant_id = $tenant and seq = $1`, change.seq);
          return change.seq;
        }
        const bytes = Buffer.from(value as string);
        const at = change.at % bytes.length;
        // ASCII stays ASCII, so that the text is still text; a quotation mark may become anything.
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (typeof value === 'string' ? change.bit % 3 : change.bit));
        await run(
          `update audit_record set ${change.column} = $2 where tenant_id = $tenant and seq = $1`,
          change.seq,
          typeof value === 'string' ? bytes.toString('latin1') : bytes,
        );
        return change.seq;
      }
      case 'time':
        await run(
          `update audit_record set at = at + $2 * interval '1 microsecond' where tenant_id = $tenant and seq = $1`,
          change.seq,
          change.micros,
        );
        return change.seq;
      case 'index':
        await run(`update audit_record set ${change.column} = 'somebody else' where tenant_id = $tenant and seq = $1`, change.seq);
        return change.seq;
      case 'deleted':
        await run('delete from audit_record where tenant_id = $tenant and seq = $1', change.seq);
        return change.seq;
      case 'inserted':
        await run('update audit_record set seq = seq + 1000 where tenant_id = $tenant and seq >= $1', change.seq);
        await run('update audit_record set seq = seq - 999 where tenant_id = $tenant and seq >= 1000');
        await run(
          `insert into audit_record select tenant_id, instance_id, $1, at, actor, action, record, source_sealed, hash
           from audit_record where tenant_id = $tenant and seq = $2`,
          change.seq,
          change.seq + 1,
        );
        return change.seq + 1;
      case 'swapped':
        await run('update audit_record set seq = -1 where tenant_id = $tenant and seq = $1', change.seq);
        await run('update audit_record set seq = $1 where tenant_id = $tenant and seq = $2', change.seq, change.seq + 1);
        await run('update audit_record set seq = $1 where tenant_id = $tenant and seq = -1', change.seq + 1);
        return change.seq;
      case 'source':
        await run(
          `update audit_record set source_sealed = case when source_sealed is null then '\\x00'::bytea end where tenant_id = $tenant and seq = $1`,
          change.seq,
        );
        return change.seq;
      case 'head':
        await run('update audit_head set seq = seq + $1 where tenant_id = $tenant', change.by);
        return size + 1;
      case 'appended':
        await run(
          `insert into audit_record select tenant_id, instance_id, seq + $1, at, actor, action, record, source_sealed, hash
           from audit_record where tenant_id = $tenant and seq = ${size}`,
          change.by,
        );
        return size + change.by;
    }
  }

  it('finds every tampering, and where it begins', { timeout: 60_000 }, async () => {
    const tenant = await chainOf(size, () => ({ actor: { kind: 'operator' } }));
    await admin.query('create temp table kept_record as select * from audit_record where tenant_id = $1', [tenant]);
    await admin.query('create temp table kept_head as select * from audit_head where tenant_id = $1', [tenant]);
    await fc.assert(
      fc.asyncProperty(tampering, async (change) => {
        const latest = await tamper(tenant, change);
        const { broken } = await verifyAudit(database.db, tenant);
        await admin.query('delete from audit_record where tenant_id = $1', [tenant]);
        await admin.query('insert into audit_record select * from kept_record');
        await admin.query('delete from audit_head where tenant_id = $1', [tenant]);
        await admin.query('insert into audit_head select * from kept_head');
        expect(broken).not.toBeNull();
        expect(broken?.seq).toBeLessThanOrEqual(latest);
        // Nothing before it is suspected.
        if (change.kind !== 'head' && change.kind !== 'appended') expect(broken?.seq).toBeGreaterThanOrEqual(latest - 1);
      }),
      { numRuns: 250 },
    );
    expect((await verifyAudit(database.db, tenant)).broken).toBeNull();
  });

  it('finds a change of any single byte of a record', async () => {
    const tenant = await chainOf(1);
    const { rows } = await admin.query('select record from audit_record where tenant_id = $1', [tenant]);
    const text: string = rows[0].record;
    for (let at = 0; at < text.length; at += 1) {
      const changed = text.slice(0, at) + (text[at] === '~' ? '!' : '~') + text.slice(at + 1);
      await admin.query('update audit_record set record = $2 where tenant_id = $1', [tenant, changed]);
      expect((await verifyAudit(database.db, tenant)).broken).toEqual({ seq: 1, why: 'changed-record' });
    }
  });

  it('finds a chain that was cut and written anew by a link noted down outside', async () => {
    const tenant = await chainOf(5);
    const { head } = await verifyAudit(database.db, tenant);
    await admin.query('delete from audit_record where tenant_id = $1 and seq > 3', [tenant]);
    await admin.query(
      'update audit_head set seq = 3, hash = (select hash from audit_record r where r.tenant_id = $1 and r.seq = 3) where tenant_id = $1',
      [tenant],
    );
    expect((await verifyAudit(database.db, tenant)).broken).toBeNull();
    expect((await verifyAudit(database.db, tenant, { checkpoints: [head] })).broken).toEqual({ seq: 5, why: 'checkpoint-mismatch' });
    await database.db.within({ tenant }, async (tx) => {
      for (let count = 0; count < 4; count += 1) await appendAudit(tx, tenant, record());
    });
    expect((await verifyAudit(database.db, tenant, { checkpoints: [head] })).broken).toEqual({ seq: 5, why: 'checkpoint-mismatch' });
  });

  it("takes no chain for another tenant's", async () => {
    const [one, other] = [await chainOf(2), await chainOf(2)];
    await admin.query('delete from audit_record where tenant_id = $1', [other]);
    await admin.query('update audit_record set tenant_id = $2 where tenant_id = $1', [one, other]);
    await admin.query('update audit_head h set hash = (select hash from audit_head where tenant_id = $1) where tenant_id = $2', [
      one,
      other,
    ]);
    expect((await verifyAudit(database.db, other)).broken).toEqual({ seq: 1, why: 'changed-record' });
  });

  it('verifies a part', async () => {
    const tenant = await chainOf(10);
    expect(await verifyAudit(database.db, tenant, { from: 4, to: 6 })).toMatchObject({ checked: 3, broken: null, head: { seq: 6 } });
    await admin.query("update audit_record set record = record || ' ' where tenant_id = $1 and seq = 5", [tenant]);
    expect((await verifyAudit(database.db, tenant, { from: 4, to: 6 })).broken).toEqual({ seq: 5, why: 'changed-record' });
    expect((await verifyAudit(database.db, tenant, { from: 7 })).broken).toBeNull();
  });

  describe('retention', () => {
    // Older than addTenant's tenants keep theirs by the database's clock, so that what is asked for counts.
    const start = Date.now() - 500 * DAY_MS;
    const aged = (count: number) => chainOf(count, (index) => ({ at: new Date(start + index * DAY_MS).toISOString() }));
    const now = new Date(start + 20 * DAY_MS);

    it('removes what is older than the days, and the rest verifies from the anchor', async () => {
      const tenant = await aged(10);
      expect(await removeOldAudit(database.db, tenant, 15, now)).toBe(5);
      const left = await database.db.within({ tenant }, (tx) =>
        tx.selectFrom('audit_record').select(['seq', 'action']).orderBy('seq').execute(),
      );
      expect(left.map(({ seq }) => seq)).toEqual([6, 7, 8, 9, 10, 11]);
      expect(left.at(-1)?.action).toBe('audit.removed');
      const targets = await database.db.within({ tenant }, (tx) =>
        sql<{ least: number }>`select min(seq)::int as least from audit_target`.execute(tx),
      );
      expect(targets.rows[0]?.least).toBe(6);
      expect(await verifyAudit(database.db, tenant)).toMatchObject({ checked: 6, broken: null });
      expect(await removeOldAudit(database.db, tenant, 15, now)).toBe(0);
    });

    it('removes all of it, the records of earlier removals too, and goes on', async () => {
      const tenant = await aged(3);
      expect(await removeOldAudit(database.db, tenant, 1, now)).toBe(3);
      expect(await removeOldAudit(database.db, tenant, 1, new Date(now.getTime() + 9 * DAY_MS))).toBe(1);
      expect(await verifyAudit(database.db, tenant)).toMatchObject({ checked: 1, broken: null, head: { seq: 5 } });
    });

    it('tells a removal that is not its own', async () => {
      const tenant = await aged(10);
      await admin.query('delete from audit_record where tenant_id = $1 and seq <= 4', [tenant]);
      expect((await verifyAudit(database.db, tenant)).broken).toEqual({ seq: 1, why: 'missing-record' });
      await admin.query(
        `update audit_head set anchor_seq = 5, anchor_hash = (select hash from audit_record r where r.tenant_id = $1 and r.seq = 5) where tenant_id = $1`,
        [tenant],
      );
      await admin.query('delete from audit_record where tenant_id = $1 and seq <= 5', [tenant]);
      expect((await verifyAudit(database.db, tenant)).broken).toEqual({ seq: 5, why: 'unexplained-removal' });
    });
  });
});

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sealFields } from '../../../agent/report/seal-fields.ts';
import type { StoredSealingKey } from '../../../contracts/console/encryption.ts';
import { SealedFields } from '../../../contracts/report.ts';
import { SealingKey } from '../../../contracts/sealing.ts';
import type { Caller } from '../../../fleet/intake/intake.ts';
import { sealedTo } from '../../../fleet/intake/read-sealed.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aFinding, aReport, at, START } from './desk-reports.ts';
import { openIntake, type TestIntake } from './open-intake.ts';

const DAY_MINUTES = 24 * 60;
const fields = SealedFields.parse({ 'device.users': { name: 'MARKER' } });

function newKey(kid: string): SealingKey {
  return SealingKey.parse({ kid, ...generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) });
}
const seal = async (key: SealingKey) => (await sealFields(fields, key)) ?? '';

/** With another protected header. */
function withHeader(jwe: string, change: object): string {
  const [header = '', ...rest] = jwe.split('.');
  const read: object = JSON.parse(Buffer.from(header, 'base64url').toString());
  return [Buffer.from(JSON.stringify({ ...read, ...change })).toString('base64url'), ...rest].join('.');
}

const malformed: [string, (jwe: string) => string][] = [
  ['empty', () => ''],
  ['no JWE', () => 'a.b.c.d.e'],
  ['a part too few', (jwe) => jwe.split('.').slice(0, 4).join('.')],
  ['an encrypted key, as of another suite', (jwe) => jwe.replace('..', '.AAAA.')],
  ['a header that is no JSON', (jwe) => `bm9uZQ${jwe.slice(jwe.indexOf('.'))}`],
  ['a header that is null', (jwe) => `bnVsbA${jwe.slice(jwe.indexOf('.'))}`],
  ['a header without end', (jwe) => `${'A'.repeat(90_000)}${jwe.slice(jwe.indexOf('.'))}`],
  ['no kid', (jwe) => withHeader(jwe, { kid: undefined })],
  ['a kid that is none', (jwe) => withHeader(jwe, { kid: "a' or '1'='1" })],
  ['another algorithm, as of tomorrow', (jwe) => withHeader(jwe, { alg: 'HPKE-4' })],
  ['a private key for its ephemeral one', (jwe) => withHeader(jwe, { epk: { ...newKey('x'), d: 'x' } })],
  ['what jsonb cannot hold', (jwe) => `${jwe}\0\ud800`],
];

describe('which key fields are sealed to', () => {
  it('is read of what the agent seals', async () => {
    expect(sealedTo(await seal(newKey('tenant-1')))).toBe('tenant-1');
  });

  it.each(malformed)('cannot be told of %s', async (_what, spoil) => {
    expect(sealedTo(spoil(await seal(newKey('tenant-1'))))).toBeNull();
  });

  it('is told or not, and never fails, whatever stands there', () => {
    const part = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }), (parts) => {
        expect(sealedTo(parts.join('.'))).toBeNull();
      }),
    );
  });
});

describeWithDatabase('sealed fields of a report', () => {
  let database: TestDatabase;
  let replica: TestIntake;
  let scope: { tenant: string; instance: string };
  let now = START;
  let refusals = 0;
  const [active, retired, foreign] = [newKey('active'), newKey('retired'), newKey('foreign')];

  beforeAll(async () => {
    database = await openTestDatabase();
    scope = await addTenant(database.db);
    replica = await openIntake(database.appUrl, () => new Date(now), {
      onSealedRefused() {
        refusals += 1;
      },
    });
    const stored: StoredSealingKey[] = [
      { ...active, addedAt: at(0), retiredAt: null },
      { ...retired, addedAt: at(0), retiredAt: at(0) },
    ];
    await setKeys(scope, stored);
    const other = { ...scope, instance: randomUUID() };
    await database.db.within(other, (tx) =>
      tx
        .insertInto('instance')
        .values({ tenant_id: other.tenant, instance_id: other.instance, alias: 'other', region: 'us-west-2' })
        .execute(),
    );
    await setKeys(other, [{ ...foreign, addedAt: at(0), retiredAt: null }]);
  });
  beforeEach(() => {
    now = START;
    refusals = 0;
  });
  afterAll(async () => {
    await replica?.close();
    await database?.close();
  });

  const setKeys = (of: typeof scope, keys: StoredSealingKey[]) =>
    database.db.within(of, (tx) =>
      tx
        .updateTable('instance')
        .set({ sealing_keys: JSON.stringify(keys) })
        .where('instance_id', '=', of.instance)
        .execute(),
    );
  async function aDesk(): Promise<Caller> {
    const [device = ''] = await addDevices(database.db, scope, 1);
    return { ...scope, device };
  }
  const kept = (desk: Caller) =>
    database.db.within(scope, async (tx) => {
      const { rows } = await sql<{ jwe: string | null; received: Date | null; refused: Date | null; rules: number }>`
        select f.jwe, f.received_at as received, f.refused_at as refused,
          (select count(*)::int from finding where device_id = ${desk.device}) as rules
        from desk_state left join sealed_fields f using (tenant_id, device_id) where device_id = ${desk.device}`.execute(tx);
      return rows[0];
    });
  const minutes = (of: number) => new Date(START + of * 60_000);

  it.each([
    ['an active key', () => active, 0, null],
    ['a key retired just now', () => retired, 0, null],
    ['a key retired 24 h ago', () => retired, DAY_MINUTES, null],
    ['a key retired longer ago', () => retired, DAY_MINUTES + 1, 'cse-key-invalid'],
    ['an active key of another instance', () => foreign, 0, 'cse-key-invalid'],
    ['a key that nobody registered', () => newKey('nobody'), 0, 'cse-key-invalid'],
  ] as const)('sealed to %s', async (_what, key, later, sealedFault) => {
    const desk = await aDesk();
    const jwe = await seal(key());
    now = START + later * 60_000;
    expect(await replica.intake.report(desk, aReport(desk.device, { sealed: jwe }))).toEqual({ schema: 1, accepted: true, sealedFault });
    const taken = { jwe, received: minutes(later), refused: null, rules: 2 };
    const refused = { jwe: null, received: null, refused: minutes(later), rules: 2 };
    expect(await kept(desk)).toEqual(sealedFault === null ? taken : refused);
    expect(refusals).toBe(sealedFault === null ? 0 : 1);
  });

  it.each(malformed)('that are %s are refused, and the rest of the report is stored', async (_what, spoil) => {
    const desk = await aDesk();
    const answer = await replica.intake.report(desk, aReport(desk.device, { sealed: spoil(await seal(active)) }));
    expect(answer).toEqual({ schema: 1, accepted: true, sealedFault: 'cse-key-invalid' });
    expect(await kept(desk)).toEqual({ jwe: null, received: null, refused: minutes(0), rules: 2 });
  });

  it('that were refused leave those of before; the next ones that are taken end it, and a report without any changes nothing', async () => {
    const desk = await aDesk();
    const [first, second] = [await seal(active), await seal(active)];
    let seq = 0;
    const send = (sealed: string | null) => replica.intake.report(desk, aReport(desk.device, { seq: seq++, sealed }));
    await send(first);
    now += 60_000;
    await send(await seal(foreign));
    await send(null);
    expect(await kept(desk)).toEqual({ jwe: first, received: minutes(0), refused: minutes(1), rules: 2 });
    now += 60_000;
    await send(second);
    expect(await kept(desk)).toEqual({ jwe: second, received: minutes(2), refused: null, rules: 2 });
    expect(refusals).toBe(1);
  });

  it('of many desks together: each by its own key, for one statement more', async () => {
    const devices = await addDevices(database.db, scope, 40);
    const jwes = [await seal(active), await seal(foreign)] as const;
    const send = (epoch: string, sealedOf: (nth: number) => string | null) =>
      Promise.all(
        devices.map((device, nth) => replica.intake.report({ ...scope, device }, aReport(device, { epoch, sealed: sealedOf(nth) }))),
      );
    // What comes first of these desks writes more.
    await send(randomUUID(), () => null);
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const count = async (work: () => Promise<unknown>) => {
      const before = query.mock.calls.length;
      await work();
      return query.mock.calls.length - before;
    };
    try {
      const plain = await count(() => send(randomUUID(), () => null));
      let answers: Awaited<ReturnType<typeof send>> = [];
      const sealed = await count(async () => {
        answers = await send(randomUUID(), (nth) => jwes[nth % 2] ?? null);
      });
      expect(answers.map(({ sealedFault }) => sealedFault)).toEqual(devices.map((_, nth) => (nth % 2 === 0 ? null : 'cse-key-invalid')));
      expect(sealed - plain).toBe(1);
    } finally {
      query.mockRestore();
    }
  });

  it('count once for a report that comes again', async () => {
    const desk = await aDesk();
    const report = aReport(desk.device, { sealed: await seal(foreign), findings: [aFinding('turn')] });
    expect((await replica.intake.report(desk, report)).sealedFault).toBe('cse-key-invalid');
    expect((await replica.intake.report(desk, report)).sealedFault).toBeNull();
    expect(refusals).toBe(1);
  });
});

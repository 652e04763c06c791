import { generateKeyPairSync, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { checkpointOf, nameOf, type Signer, signCheckpoints } from '../../../fleet/audit/checkpoint.ts';
import { removeOldAudit } from '../../../fleet/audit/removal.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { NIL_ID, openDb } from '../../../fleet/db/tenancy.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';

const HOUR = 3_600_000;
/** Older than addTenant's tenants keep their audit. */
const START = Date.now() - 500 * 24 * HOUR;

function aKey(kid: string, online = true) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { kid, x, privateKey: online ? privateKey : null };
}

describeWithDatabase('signed checkpoints of the audit', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  const keys = [aKey('first'), aKey('second'), aKey('third', false)];
  const signers: readonly Signer[] = keys.slice(0, 2);

  beforeAll(async () => {
    database = await openTestDatabase();
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.end();
    await database?.close();
  });

  function append(tenant: string, ms: number, action = 'POST /api/v1/waivers') {
    return database.db.within({ tenant }, (tx) => {
      const [eventId, at] = [randomUUID(), new Date(ms).toISOString()];
      return appendAudit(tx, tenant, { eventId, at, actor: { kind: 'system' }, action, status: 200, targets: [], requestId: 'r' });
    });
  }
  async function aChain(): Promise<string> {
    const { tenant } = await addTenant(database.db);
    for (let count = 0; count < 3; count += 1) await append(tenant, START);
    return tenant;
  }
  /** The links that were signed of this tenant's chain. */
  async function sign(tenant: string, ms: number, by = keys, db = database.db): Promise<string[]> {
    const signed: string[] = [];
    const onSigned = (of: string, link: Parameters<typeof nameOf>[0]) => of === tenant && signed.push(nameOf(link));
    await signCheckpoints({ db, now: () => new Date(ms), keys: { all: () => by }, onSigned });
    return signed;
  }
  const verify = (tenant: string, by = signers) => verifyAudit(database.db, tenant, { signers: by });
  async function records(tenant: string): Promise<string[]> {
    const { rows } = await admin.query<{ record: string }>('select record from audit_record where tenant_id = $1 order by seq', [tenant]);
    return rows.map(({ record }) => record);
  }
  /** As somebody could who has the database's owner, and every hash right. */
  async function writeAnew(tenant: string, texts: readonly string[]): Promise<void> {
    for (const table of ['audit_record', 'audit_target', 'audit_head'])
      await admin.query(`delete from ${table} where tenant_id = $1`, [tenant]);
    await admin.query("select set_config('deskwarden.tenant', $1, false)", [tenant]);
    for (const text of texts) await admin.query('select append_audit($1, $2, null)', [tenant, text]);
  }

  it('are made once an hour of a chain that grew, by whichever of six replicas comes first', async () => {
    const tenant = await aChain();
    expect(await sign(tenant, START + HOUR - 1)).toEqual([]);
    // Each with a connection that is open already, or the first would be done before the others begin.
    const replicas = Array.from({ length: 6 }, () =>
      openDb({ url: database.appUrl, applicationName: 'replica', max: 1, onError: () => {} }),
    );
    await Promise.all(replicas.map((db) => db.tenants()));
    const made = await Promise.all(replicas.map((db) => sign(tenant, START + HOUR, keys, db)));
    await Promise.all(replicas.map((db) => db.end()));
    const { rows } = await admin.query("select encode(hash, 'hex') as hash from audit_record where tenant_id = $1 and seq = 3", [tenant]);
    expect(made.flat()).toEqual([`3:${rows[0].hash}`]);
    expect(await verify(tenant)).toMatchObject({
      checked: 4,
      broken: null,
      signed: { seq: 3, at: new Date(START + HOUR).toISOString() },
    });
    // Nothing but the checkpoint itself came since.
    expect(await sign(tenant, START + 5 * HOUR)).toEqual([]);
    await append(tenant, START + 5 * HOUR);
    expect(await sign(tenant, START + 5 * HOUR)).toHaveLength(1);
    await append(tenant, START + 5.5 * HOUR);
    expect(await sign(tenant, START + 6 * HOUR - 1)).toEqual([]);
    expect(await verify(tenant)).toMatchObject({ checked: 7, broken: null, signed: { seq: 5 } });
  });

  it('are made of the calls that nobody can be named for', async () => {
    await append(NIL_ID, START);
    expect(await sign(NIL_ID, START + HOUR)).toHaveLength(1);
    expect(await verify(NIL_ID)).toMatchObject({ broken: null, signed: { seq: 1 } });
  });

  it('are signed by the newest key that is not kept offline, and by none where all are', async () => {
    const tenant = await aChain();
    expect(await sign(tenant, START + HOUR, keys.slice(2))).toEqual([]);
    await sign(tenant, START + HOUR);
    expect(checkpointOf((await records(tenant)).at(-1) ?? '')?.kid).toBe('second');
  });

  it('show a chain that was written anew with every hash right', async () => {
    const tenant = await aChain();
    await sign(tenant, START + HOUR);
    await append(tenant, START + HOUR);
    const texts = await records(tenant);
    await writeAnew(tenant, texts);
    expect(await verify(tenant)).toMatchObject({ checked: 5, broken: null, signed: { seq: 3 } });
    await writeAnew(tenant, [texts[0]?.replace('waivers', 'tickets') ?? '', ...texts.slice(1)]);
    expect((await verifyAudit(database.db, tenant)).broken).toBeNull();
    expect((await verify(tenant)).broken).toEqual({ seq: 4, why: 'false-checkpoint' });
    // Without it nothing is wrong, and nothing is signed either.
    await writeAnew(tenant, [...texts.slice(0, 2), ...texts.slice(4)]);
    expect(await verify(tenant)).toMatchObject({ checked: 3, broken: null, signed: null });
  });

  it('count from nobody else: not by another key, of another chain, of another time or of what is not there', async () => {
    const tenant = await aChain();
    await sign(tenant, START + HOUR, [aKey('second')]);
    expect((await verify(tenant)).broken).toEqual({ seq: 4, why: 'false-checkpoint' });
    expect((await verify(tenant, [])).broken).toEqual({ seq: 4, why: 'false-checkpoint' });
    const other = await aChain();
    await sign(other, START + HOUR);
    expect(await verify(other)).toMatchObject({ broken: null, signed: { seq: 3 } });
    const texts = await records(other);
    const at = new Date(START + HOUR).toISOString();
    const wrong = [
      texts[3]?.replace(at, new Date(START + 2 * HOUR).toISOString()),
      texts[3]?.replace('"3:', '"2:'),
      texts[3]?.replace('"3:', '"4:'),
      texts[3]?.replace('"3:', '"9:'),
      texts[3]?.replace('"second:', '"first:'),
      texts[3]?.replace(/"second:[^"]*"/, '""'),
    ];
    for (const text of wrong) {
      await writeAnew(other, [...texts.slice(0, 3), text ?? '']);
      expect([text, (await verify(other)).broken]).toEqual([text, { seq: 4, why: 'false-checkpoint' }]);
    }
    // The same records in another tenant's chain.
    await writeAnew(tenant, texts);
    expect((await verify(tenant)).broken).toEqual({ seq: 4, why: 'false-checkpoint' });
    await writeAnew(other, texts);
    expect((await verify(other)).broken).toBeNull();
  });

  it('hold when retention has removed what they name', async () => {
    const tenant = await aChain();
    await sign(tenant, START + 30 * HOUR);
    expect(await removeOldAudit(database.db, tenant, 1, new Date(START + 30 * HOUR))).toBe(3);
    expect(await verify(tenant)).toMatchObject({ checked: 2, broken: null, signed: { seq: 3 } });
    // Another tenant's, which names a link that is not here to compare.
    const other = await aChain();
    await sign(other, START + HOUR);
    await admin.query("select set_config('deskwarden.tenant', $1, false)", [tenant]);
    await admin.query('select append_audit($1, $2, null)', [tenant, (await records(other))[3]]);
    expect((await verify(tenant)).broken).toEqual({ seq: 6, why: 'false-checkpoint' });
  });
});

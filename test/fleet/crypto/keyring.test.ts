import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENVELOPE_BYTES, keyIdOf, SealBroken } from '../../../fleet/crypto/envelope.ts';
import { CONTEXT_KEY, KeyUnavailable } from '../../../fleet/crypto/key-provider.ts';
import type { KeyOwner } from '../../../fleet/crypto/place.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { scriptedKeyProvider } from './scripted-key-provider.ts';
import { openStage, place, type Stage } from './staged-keyring.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describeWithDatabase('keyring', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const operations = (provider: ReturnType<typeof scriptedKeyProvider>, name: string) =>
    provider.log.filter(({ operation }) => operation === name).length;
  const keyCount = ({ tenant, instance }: KeyOwner) =>
    stage.db.within({ tenant }, async (tx) => {
      const rows = await tx.selectFrom('data_key').select('id').where('instance_id', '=', instance).execute();
      return rows.length;
    });

  it('K1 makes a key of an instance for that instance only, S3-35 names it in every call', async () => {
    const provider = scriptedKeyProvider();
    const keyring = stage.keyring(provider);
    const [a, b] = [await addTenant(stage.db), await addTenant(stage.db)];
    const sealed = await stage.seal(keyring, a, 'desk-0001');
    expect([await stage.open(keyring, a, sealed), sealed.includes('desk-0001')]).toEqual(['desk-0001', false]);
    expect(await stage.db.within(a, (tx) => tx.selectFrom('instance_encryption').select(['key_id', 'status']).execute())).toEqual([
      { key_id: `prov-${a.instance}#1`, status: 'ACTIVE' },
    ]);
    expect(await stage.db.within(b, (tx) => tx.selectFrom('instance_encryption').select('key_id').execute())).toEqual([]);
    await stage.seal(keyring, b, 'desk-0001');
    const contextsOf = ({ instance }: KeyOwner) =>
      new Set(
        provider.log
          .filter(({ keyIds }) => keyIds[0]?.includes(instance))
          .flatMap(({ contexts }) => contexts.map((one) => JSON.stringify(one))),
      );
    expect(contextsOf(a)).toEqual(
      new Set([JSON.stringify({ [CONTEXT_KEY]: `arn:deskwarden:eu-central-1:${a.tenant}:instance/${a.instance}` })]),
    );
    expect(contextsOf(b).size).toBe(1);
  });

  it('K2 does not open in B what was copied from A, even together with its data key', async () => {
    const provider = scriptedKeyProvider();
    const keyring = stage.keyring(provider);
    const [a, b] = [await addTenant(stage.db), await addTenant(stage.db)];
    const sealed = await stage.seal(keyring, a, 'desk-0001');
    await stage.seal(keyring, b, 'desk-0001');
    const copied = stage.open(keyring, b, sealed);
    await expect(copied).rejects.toThrow(SealBroken);
    await expect(copied).rejects.toMatchObject({ code: 'decrypt-auth-failed' });
    const row = await stage.db.within(a, (tx) =>
      tx.selectFrom('data_key').selectAll().where('id', '=', keyIdOf(place, sealed)).executeTakeFirstOrThrow(),
    );
    await stage.db.within(b, (tx) =>
      tx
        .insertInto('data_key')
        .values({ ...row, tenant_id: b.tenant, instance_id: b.instance })
        .execute(),
    );
    await expect(stage.open(keyring, b, sealed)).rejects.toThrow('its data key was not wrapped for this owner');
    expect(stage.faults.filter(({ owner }) => owner.instance === b.instance).map(({ code }) => code)).toEqual([
      'decrypt-auth-failed',
      'decrypt-auth-failed',
    ]);
    expect((await stage.uses(b)).at(-1)).toMatchObject({ eventName: 'Decrypt', errorCode: 'InvalidCiphertext' });
    expect(await stage.open(keyring, a, sealed)).toBe('desk-0001');
  });

  it('opens only at its own place and as its own class of data', async () => {
    const keyring = stage.keyring(scriptedKeyProvider());
    const owner = await addTenant(stage.db);
    const sealed = await stage.seal(keyring, owner, 'desk-0001');
    await expect(stage.open(keyring, owner, sealed, { ...place, row: '2' })).rejects.toThrow(SealBroken);
    await expect(stage.open(keyring, owner, sealed, { ...place, field: 'owner' })).rejects.toThrow(SealBroken);
    const asEvidence = stage.db.within(owner, (tx) => keyring.open(tx, owner, 'evidence', place, sealed));
    await expect(asEvidence).rejects.toThrow('under a key that this owner does not have');
  });

  it('keeps keys of the whole tenant and of the deployment apart from those of instances', async () => {
    const keyring = stage.keyring(scriptedKeyProvider());
    const { tenant, instance } = await addTenant(stage.db);
    const owners = [
      { tenant, instance: NIL_ID },
      { tenant: NIL_ID, instance: NIL_ID },
      { tenant, instance },
    ];
    const sealed = await Promise.all(owners.map((owner) => stage.seal(keyring, owner, 'x')));
    expect(new Set(sealed.map((one) => keyIdOf(place, one))).size).toBe(3);
    for (const [at, owner] of owners.entries()) expect(await stage.open(keyring, owner, sealed[at] ?? Buffer.of())).toBe('x');
  });

  it('S3-20 asks the provider once in five minutes, then wipes and asks again', async () => {
    const provider = scriptedKeyProvider();
    const owner = await addTenant(stage.db);
    const sealed = await stage.seal(stage.keyring(provider), owner, 'desk-0001');
    const keyring = stage.keyring(provider);
    const before = provider.handedOut.length;
    for (let turn = 0; turn < 50; turn++) await stage.open(keyring, owner, sealed);
    await Promise.all(Array.from({ length: 8 }, () => stage.seal(keyring, owner, 'more')));
    expect(operations(provider, 'Decrypt')).toBe(1);
    const plain = provider.handedOut[before];
    expect(plain?.some((byte) => byte !== 0)).toBe(true);
    stage.advance(5 * MINUTE);
    expect(await stage.open(keyring, owner, sealed)).toBe('desk-0001');
    expect([operations(provider, 'Decrypt'), plain?.every((byte) => byte === 0)]).toEqual([2, true]);
    keyring.close();
    expect(
      provider.handedOut
        .slice(before)
        .flatMap((key) => [...key])
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('asks again after 10,000 uses', async () => {
    const provider = scriptedKeyProvider();
    const owner = await addTenant(stage.db);
    const keyring = stage.keyring(provider);
    const sealed = await stage.seal(keyring, owner, 'desk-0001');
    await stage.db.within(owner, async (tx) => {
      for (let use = 1; use < 10_000; use++) await keyring.open(tx, owner, 'identity', place, sealed);
      expect(operations(provider, 'Decrypt')).toBe(0);
      await keyring.open(tx, owner, 'identity', place, sealed);
    });
    expect(operations(provider, 'Decrypt')).toBe(1);
  });

  it('with dekCacheSeconds=0 asks at every opening and leaves nothing in memory after it', async () => {
    const provider = scriptedKeyProvider();
    const owner = await addTenant(stage.db);
    const sealed = await stage.seal(stage.keyring(provider), owner, 'desk-0001');
    const keyring = stage.keyring(provider, 0);
    const before = provider.handedOut.length;
    for (let turn = 1; turn <= 3; turn++) {
      expect(await stage.open(keyring, owner, sealed)).toBe('desk-0001');
      expect(operations(provider, 'Decrypt')).toBe(turn);
    }
    const [one, two] = [await stage.seal(keyring, owner, 'a'), await stage.seal(keyring, owner, 'b')];
    expect([await stage.open(keyring, owner, one), await stage.open(keyring, owner, two)]).toEqual(['a', 'b']);
    stage.advance(MINUTE);
    await stage.open(keyring, owner, one);
    expect(provider.handedOut.slice(before).every((key) => key.every((byte) => byte === 0))).toBe(true);
    const found = () => stage.db.within(owner, (tx) => keyring.index(tx, owner, 'host', 'desk-0001'));
    expect((await found()).equals(await found())).toBe(true);
  });

  it('a key that a batch holds seals until half a minute is over, and never with a wiped key', async () => {
    const provider = scriptedKeyProvider();
    const owner = await addTenant(stage.db);
    for (const cacheSeconds of [300, 0]) {
      const keyring = stage.keyring(provider, cacheSeconds);
      const key = await stage.db.within(owner, (tx) => keyring.key(tx, owner, 'identity'));
      stage.advance(29_000);
      expect(key.seal(place, 'x')).toHaveLength(1 + ENVELOPE_BYTES);
      stage.advance(5 * MINUTE);
      expect(() => key.seal(place, 'x')).toThrow(KeyUnavailable);
      const wiped = await stage.db.within(owner, (tx) => keyring.key(tx, owner, 'identity'));
      keyring.wipe(owner);
      expect(() => wiped.seal(place, 'x')).toThrow(KeyUnavailable);
    }
  });

  it('a key that a batch holds seals no more than 10,000 values', async () => {
    const owner = await addTenant(stage.db);
    const keyring = stage.keyring(scriptedKeyProvider());
    const key = await stage.db.within(owner, (tx) => keyring.key(tx, owner, 'identity'));
    for (let at = 0; at < 10_000; at++) key.seal(place, 'x');
    expect(() => key.seal(place, 'x')).toThrow(RangeError);
    const next = await stage.db.within(owner, (tx) => keyring.key(tx, owner, 'identity'));
    expect([next.id, next.seal(place, 'x').length]).toEqual([key.id, 1 + ENVELOPE_BYTES]);
  });

  it('S3-10 takes a new data key after 30 days, and still opens by the old one', async () => {
    const provider = scriptedKeyProvider();
    const owner = await addTenant(stage.db);
    const keyring = stage.keyring(provider);
    const old = await stage.seal(keyring, owner, 'old');
    stage.advance(30 * DAY - 1);
    expect(keyIdOf(place, await stage.seal(keyring, owner, 'still'))).toBe(keyIdOf(place, old));
    stage.advance(1);
    const fresh = await stage.seal(keyring, owner, 'new');
    expect(keyIdOf(place, fresh)).not.toBe(keyIdOf(place, old));
    expect([await stage.open(keyring, owner, old), await stage.open(keyring, owner, fresh)]).toEqual(['old', 'new']);
    expect(await stage.db.within(owner, (tx) => tx.selectFrom('data_key').select('id').where('retired_at', 'is', null).execute())).toEqual([
      { id: keyIdOf(place, fresh) },
    ]);
  });

  it('takes a new data key before 2^31 values', async () => {
    const owner = await addTenant(stage.db);
    const provider = scriptedKeyProvider();
    const first = await stage.seal(stage.keyring(provider), owner, 'x');
    const setUses = (uses: number) => stage.db.within(owner, (tx) => tx.updateTable('data_key').set({ uses }).execute());
    await setUses(2 ** 31 - 10_000);
    expect(keyIdOf(place, await stage.seal(stage.keyring(provider), owner, 'x'))).toBe(keyIdOf(place, first));
    expect(keyIdOf(place, await stage.seal(stage.keyring(provider), owner, 'x'))).not.toBe(keyIdOf(place, first));
  });

  it('keeps a key that was made for a call which then failed', async () => {
    const owner = await addTenant(stage.db);
    const provider = scriptedKeyProvider();
    const keyring = stage.keyring(provider);
    const failing = stage.db.within(owner, async (tx) => {
      await keyring.key(tx, owner, 'identity');
      throw new Error('the call failed');
    });
    await expect(failing).rejects.toThrow('the call failed');
    const sealed = await stage.seal(keyring, owner, 'after');
    expect(await stage.open(stage.keyring(provider), owner, sealed)).toBe('after');
  });

  it('servers that start at once agree on one key of each class, and open what each other sealed', async () => {
    const provider = scriptedKeyProvider();
    provider.latencyMs = 20;
    const owner = await addTenant(stage.db);
    const keyrings = Array.from({ length: 4 }, () => stage.keyring(provider));
    const sealed = await Promise.all(keyrings.map((keyring) => stage.seal(keyring, owner, 'x')));
    const indexes = await Promise.all(keyrings.map((keyring) => stage.db.within(owner, (tx) => keyring.index(tx, owner, 'host', 'x'))));
    expect(operations(provider, 'GenerateDataKey'), 'a race that was one').toBeGreaterThan(2);
    expect([new Set(sealed.map((one) => keyIdOf(place, one))).size, await keyCount(owner)]).toEqual([1, 2]);
    for (const [at, keyring] of keyrings.entries()) {
      for (const one of sealed) expect(await stage.open(keyring, owner, one)).toBe('x');
      expect(indexes[at]?.equals(indexes[0] ?? Buffer.of())).toBe(true);
    }
  });

  it('K14 S3-23 finds a value by a digest that is another one in each instance and field', async () => {
    const provider = scriptedKeyProvider();
    const [a, b] = [await addTenant(stage.db), await addTenant(stage.db)];
    const indexOf = (owner: KeyOwner, field: string, value: string) =>
      stage.db.within(owner, async (tx) => (await stage.keyring(provider).index(tx, owner, field, value)).toString('hex'));
    const standing = await indexOf(a, 'host_name', 'desk-0001');
    stage.advance(400 * DAY);
    expect(await indexOf(a, 'host_name', 'desk-0001')).toBe(standing);
    const others = [
      await indexOf(b, 'host_name', 'desk-0001'),
      await indexOf(a, 'name', 'desk-0001'),
      await indexOf(a, 'host_name', 'desk-0002'),
    ];
    expect(new Set([standing, ...others, await indexOf(a, 'host_namedesk', '-0001')]).size).toBe(5);
    expect(standing).toHaveLength(64);
  });
});

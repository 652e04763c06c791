import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { z } from 'zod';
import type { EncryptionAnswer, SealingKeysAnswer } from '../../../contracts/console/encryption.ts';
import { SealingKey } from '../../../contracts/sealing.ts';
import { rewrap } from '../../../fleet/crypto/rewrap.ts';
import { addSealingKey, currentSealingKey, readSealingKeys, retireSealingKey } from '../../../fleet/crypto/sealing-keys.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';

function newKey(kid: string) {
  const { x } = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
  return { kid, kty: 'OKP', crv: 'X25519', x };
}

describeWithDatabase('keys of an instance, by the API', () => {
  let server: RunningServer;
  let admin: Person;
  const base = () => `/api/v1/instances/${server.instance}`;
  const post = (path: string, body: unknown = {}) => admin.ask({ method: 'POST', path: `${base()}${path}`, body });
  const stored = () =>
    server.store.db.within({ tenant: server.tenant }, async (tx) => {
      const row = await tx
        .selectFrom('instance')
        .select('sealing_keys')
        .where('instance_id', '=', server.instance)
        .executeTakeFirstOrThrow();
      return currentSealingKey(row.sealing_keys);
    });

  beforeAll(async () => {
    server = await runServer();
    admin = await signInAsAdmin(server);
  });
  afterAll(() => server.close());

  it('two sealing keys may be active; a third waits until one is retired', async () => {
    const [a, b, c] = [newKey('a'), newKey('b'), newKey('c')];
    expect(await stored()).toBeNull();
    expect((await post('/sealing-keys', a)).status).toBe(201);
    expect((await post('/sealing-keys', b)).status).toBe(201);
    expect(await stored()).toEqual(b);
    expect(await post('/sealing-keys', c)).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(await post('/sealing-keys', { ...newKey('d'), d: 'private' })).toMatchObject({ status: 400 });
    expect(await post('/sealing-keys', { ...a, kid: 'again' })).toMatchObject({ status: 409 });
    expect((await post('/sealing-keys/b/retire')).status).toBe(200);
    expect(await stored()).toEqual(a);
    expect((await post('/sealing-keys', c)).status).toBe(201);
    expect(await post('/sealing-keys/nobody/retire')).toMatchObject({ status: 404 });
    const { items } = (await admin.ask({ path: `${base()}/sealing-keys` })).body as z.infer<typeof SealingKeysAnswer>;
    expect(items.map(({ kid, retiredAt }) => [kid, retiredAt === null])).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
    ]);
  });

  it('a hundred keys are kept; of more, what was retired first is forgotten', async () => {
    await server.store.db.within({ tenant: server.tenant }, async (tx) => {
      const before = await readSealingKeys(tx, server.instance);
      const oldest = before.map(({ kid, retiredAt }) => [kid, retiredAt === null]);
      for (let nth = before.length; nth < 100; nth += 1) {
        const active = (await readSealingKeys(tx, server.instance)).filter(({ retiredAt }) => retiredAt === null);
        const [first] = active.slice(-1);
        if (active.length > 1 && first) await retireSealingKey(tx, server.instance, first.kid, new Date());
        await addSealingKey(tx, server.instance, SealingKey.parse(newKey(`k${nth}`)), new Date());
      }
      await retireSealingKey(tx, server.instance, 'k99', new Date());
      const kept = await addSealingKey(tx, server.instance, SealingKey.parse(newKey('k100')), new Date());
      expect(oldest).toEqual([
        ['a', true],
        ['b', false],
        ['c', true],
      ]);
      expect([kept.length, kept.slice(0, 2).map(({ kid }) => kid), kept.at(-1)?.kid]).toEqual([100, ['a', 'c'], 'k100']);
      expect(currentSealingKey(kept)?.kid).toBe('k100');
    });
  });

  it('a new key follows the present one', async () => {
    const { db, keyring, keyChange } = server.store;
    const owner = { tenant: server.tenant, instance: server.instance };
    const place = { table: 'device', row: randomUUID(), field: 'host_name' };
    const sealed = await db.within(owner, async (tx) => (await keyring.key(tx, owner, 'identity')).seal(place, 'desk-17'));
    const before = (await admin.ask({ path: `${base()}/encryption` })).body as z.infer<typeof EncryptionAnswer>;
    const asked = await post('/encryption/rotate');
    expect(asked).toMatchObject({ status: 202, body: { oldKeyId: before.keyId } });
    await rewrap(keyChange, owner);
    const after = (await admin.ask({ path: `${base()}/encryption` })).body as z.infer<typeof EncryptionAnswer>;
    expect(after).toMatchObject({ status: 'ACTIVE', updateStatus: 'COMPLETED', safeToRetireOldKey: true });
    expect(after.keyId).not.toBe(before.keyId);
    expect((await db.within(owner, (tx) => keyring.open(tx, owner, 'identity', place, sealed))).toString()).toBe('desk-17');
    expect(await admin.ask({ path: `/api/v1/instances/${randomUUID()}/encryption` })).toMatchObject({ status: 404 });
  });

  it('a desk without sealed fields is answered like none', async () => {
    expect(await admin.ask({ path: `/api/v1/desks/${randomUUID()}/sealed` })).toMatchObject({ status: 404 });
  });
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEncryption } from '../../../fleet/crypto/encryption-status.ts';
import { startKeyChange } from '../../../fleet/crypto/key-change.ts';
import { CONTEXT_KEY, GRANT_OPERATIONS, KeyProviderError, KeyUnavailable } from '../../../fleet/crypto/key-provider.ts';
import { keyUpkeep } from '../../../fleet/crypto/key-upkeep.ts';
import type { KeyCaller } from '../../../fleet/crypto/key-use.ts';
import { instanceArn, type KeyOwner } from '../../../fleet/crypto/place.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type ScriptedKeyProvider, scriptedKeyProvider } from './scripted-key-provider.ts';
import { openStage, type Stage } from './staged-keyring.ts';

const MINUTE = 60_000;
const admin: KeyCaller = {
  type: 'AssumedRole',
  principal: 'role/KeyAdmin/ada',
  mfaAuthenticated: true,
  sourceIp: '192.0.2.7',
  userAgent: 'browser',
  requestId: 'request-1',
};
const signal = AbortSignal.timeout(60_000);

describeWithDatabase("a customer's key", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const deps = (provider: ScriptedKeyProvider) => ({
    provider,
    db: stage.keysDb,
    clock: stage.now,
    principal: 'role/fleet',
    wipe: () => undefined,
  });
  const arnOf = (owner: KeyOwner) => instanceArn(owner, 'eu-central-1');
  const statusOf = async (owner: KeyOwner) => (await stage.db.within(owner, (tx) => readEncryption(tx, owner)))?.status;
  /** Of one instance: others in this database are under keys that this provider does not know. */
  async function upkeep(provider: ScriptedKeyProvider, { tenant }: KeyOwner): Promise<void> {
    const errors: unknown[] = [];
    await keyUpkeep({ ...deps(provider), onError: (at, error) => void (at.tenant === tenant && errors.push(error)) });
    expect(errors).toEqual([]);
  }

  async function withKey(keyId: string) {
    const provider = scriptedKeyProvider();
    provider.script({ keyId });
    const owner = await addTenant(stage.db);
    await startKeyChange(deps(provider), owner, keyId, admin);
    return { provider, owner };
  }

  it('S3-06 S3-11 S3-41 is granted once, for six operations and the context of the instance, in the name of who set it', async () => {
    const { provider, owner } = await withKey('k1');
    await stage.seal(stage.keyring(provider), owner, 'x');
    const context = { [CONTEXT_KEY]: arnOf(owner) };
    const request = {
      keyId: 'k1',
      operations: GRANT_OPERATIONS,
      contextSubset: context,
      granteePrincipal: 'role/fleet',
      retiringPrincipal: 'role/fleet',
    };
    expect(provider.live).toEqual([{ keyId: 'k1', grantId: 'grant-1', request }]);
    const uses = await stage.uses(owner);
    expect(uses.map(({ eventName, userIdentity, readOnly }) => [eventName, userIdentity.type, readOnly])).toEqual([
      ['DescribeKey', 'Service', true],
      ['CreateGrant', 'AssumedRole', false],
      ['GenerateDataKey', 'Service', true],
    ]);
    expect(uses[1]).toEqual({
      eventVersion: '1.0',
      eventId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      requestId: 'request-1',
      eventTime: `${stage.now().toISOString().slice(0, 19)}Z`,
      eventSource: 'kms',
      eventName: 'CreateGrant',
      region: 'eu-central-1',
      tenantId: owner.tenant,
      instanceId: owner.instance,
      userIdentity: { type: 'AssumedRole', principal: 'role/KeyAdmin/ada', mfaAuthenticated: true, invokedBy: 'deskwarden' },
      sourceIp: '192.0.2.7',
      userAgent: 'browser',
      requestParameters: {
        keyId: 'k1',
        operations: [...GRANT_OPERATIONS],
        constraints: { encryptionContextSubset: context },
        granteePrincipal: 'role/fleet',
        retiringPrincipal: 'role/fleet',
      },
      responseElements: { grantId: 'grant-1' },
      resources: [{ type: 'AWS::KMS::Key', arn: 'k1' }],
      readOnly: false,
      eventCategory: 'Management',
    });
    expect(uses[2]?.requestParameters).toEqual({ keyId: 'k1', encryptionContext: context, keySpec: 'AES_256' });
  });

  it('K3 denies to decrypt without the context, with that of another instance and with one pair more', async () => {
    const { provider, owner } = await withKey('k1');
    const context = { [CONTEXT_KEY]: arnOf(owner) };
    const { wrapped } = await provider.generateDataKey({ keyId: 'k1', context }, signal);
    const others = [{}, { [CONTEXT_KEY]: arnOf(await addTenant(stage.db)) }, { ...context, also: 'this' }];
    for (const given of others) {
      await expect(provider.decrypt({ keyId: 'k1', context: given, wrapped }, signal)).rejects.toThrow(KeyProviderError);
    }
    expect((await provider.decrypt({ keyId: 'k1', context, wrapped }, signal)).length).toBe(32);
  });

  it('K4 S3-38 is of no use for another instance, whose own grant works on', async () => {
    const { provider, owner: a } = await withKey('k1');
    const b = await addTenant(stage.db);
    const wrong = provider.generateDataKey({ keyId: 'k1', context: { [CONTEXT_KEY]: arnOf(b) } }, signal);
    await expect(wrong).rejects.toMatchObject({ code: 'access-denied' });
    await startKeyChange(deps(provider), b, 'k1', admin);
    const keyring = stage.keyring(provider);
    for (const owner of [a, b]) expect(await stage.open(keyring, owner, await stage.seal(keyring, owner, 'x'))).toBe('x');
  });

  it('K6 opens for at most five minutes after the grant was revoked, then refuses, and says so in the status', async () => {
    const { provider, owner } = await withKey('k1');
    const keyring = stage.keyring(provider, 300);
    const sealed = await stage.seal(keyring, owner, 'desk-0001');
    stage.advance(10_000);
    provider.revoke('k1');
    expect(await stage.open(keyring, owner, sealed)).toBe('desk-0001');
    expect(await statusOf(owner)).toBe('ACTIVE');
    stage.advance(5 * MINUTE - 10_000);
    const refused = await stage.open(keyring, owner, sealed).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(KeyUnavailable);
    expect(refused).toMatchObject({ code: 'key-unavailable', keyId: 'k1', because: 'access-denied' });
    expect(await statusOf(owner)).toBe('KEY_UNAVAILABLE');
  });

  it('a refusal is a signal: what other classes of data had cached is wiped at once', async () => {
    const { provider, owner } = await withKey('k1');
    const keyring = stage.keyring(provider);
    const sealed = await stage.seal(keyring, owner, 'desk-0001');
    const held = await stage.db.within(owner, (tx) => keyring.key(tx, owner, 'identity'));
    provider.revoke('k1');
    await expect(stage.db.within(owner, (tx) => keyring.key(tx, owner, 'evidence'))).rejects.toThrow(KeyUnavailable);
    expect(provider.handedOut.every((key) => key.every((byte) => byte === 0))).toBe(true);
    expect(() => held.seal({ table: 'device', row: '1', field: 'host_name' }, 'x')).toThrow(KeyUnavailable);
    await expect(stage.open(keyring, owner, sealed)).rejects.toThrow(KeyUnavailable);
  });

  it('K7 once revoked, seals nothing, neither under another key nor in plain, and records each refusal although the call is undone', async () => {
    const { provider, owner } = await withKey('k1');
    const keyring = stage.keyring(provider, 0);
    provider.revoke('k1');
    await expect(stage.seal(keyring, owner, 'desk-0001')).rejects.toThrow(KeyUnavailable);
    await expect(stage.db.within(owner, (tx) => keyring.index(tx, owner, 'host_name', 'x'))).rejects.toThrow(KeyUnavailable);
    expect(await stage.db.within(owner, (tx) => tx.selectFrom('data_key').select('id').execute())).toEqual([]);
    expect((await stage.uses(owner)).at(-1)).toMatchObject({
      eventName: 'GenerateDataKey',
      userIdentity: { type: 'Service', principal: 'deskwarden-fleet', invokedBy: 'deskwarden' },
      errorCode: 'AccessDenied',
      errorMessage: 'no grant covers GenerateDataKey of k1',
      responseElements: null,
    });
  });

  it('a storm of calls while it is revoked asks once a second', async () => {
    const { provider, owner } = await withKey('k1');
    const keyring = stage.keyring(provider, 0);
    const sealed = await stage.seal(keyring, owner, 'x');
    provider.revoke('k1');
    const before = provider.log.length;
    for (let call = 0; call < 20; call++) await expect(stage.open(keyring, owner, sealed)).rejects.toThrow(KeyUnavailable);
    stage.advance(1_000);
    await expect(stage.open(keyring, owner, sealed)).rejects.toThrow(KeyUnavailable);
    expect(provider.log.length - before).toBe(2);
  });

  it('K9 is active again with the first upkeep after access came back, and opens what was sealed before', async () => {
    const { provider, owner } = await withKey('k1');
    const keyring = stage.keyring(provider, 0);
    const sealed = await stage.seal(keyring, owner, 'desk-0001');
    provider.set('k1', 'disabled');
    await expect(stage.open(keyring, owner, sealed)).rejects.toMatchObject({ because: 'key-disabled' });
    await upkeep(provider, owner);
    expect(await statusOf(owner)).toBe('KEY_UNAVAILABLE');
    provider.set('k1', 'enabled');
    stage.advance(MINUTE);
    await upkeep(provider, owner);
    expect([await statusOf(owner), await stage.open(keyring, owner, sealed)]).toEqual(['ACTIVE', 'desk-0001']);
  });

  it('once deleted is lost, and a new key takes what is new', async () => {
    const { provider, owner } = await withKey('k1');
    const keyring = stage.keyring(provider, 0);
    const old = await stage.seal(keyring, owner, 'old');
    provider.set('k1', 'deleted');
    await expect(stage.open(keyring, owner, old)).rejects.toThrow(KeyUnavailable);
    expect(await statusOf(owner)).toBe('KEY_LOST');
    provider.script({ keyId: 'k2' });
    await startKeyChange(deps(provider), owner, 'k2', admin);
    expect(await statusOf(owner)).toBe('ACTIVE');
    stage.advance(31 * 24 * 60 * MINUTE);
    expect(await stage.open(keyring, owner, await stage.seal(keyring, owner, 'new'))).toBe('new');
    await expect(stage.open(keyring, owner, old)).rejects.toThrow(KeyUnavailable);
  });

  it('S3-44 is asked for a key that nobody sees where nothing was sealed yet', async () => {
    const { provider, owner } = await withKey('k1');
    provider.revoke('k1');
    await expect(stage.seal(stage.keyring(provider), owner, 'x')).rejects.toThrow(KeyUnavailable);
    await upkeep(provider, owner);
    expect((await stage.uses(owner)).at(-1)).toMatchObject({
      eventName: 'GenerateDataKeyWithoutPlaintext',
      requestParameters: { keyId: 'k1', encryptionContext: { [CONTEXT_KEY]: arnOf(owner) }, keySpec: 'AES_256' },
      errorCode: 'AccessDenied',
    });
  });
});

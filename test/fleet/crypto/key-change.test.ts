import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEncryption } from '../../../fleet/crypto/encryption-status.ts';
import { rotateOwnKey, startKeyChange } from '../../../fleet/crypto/key-change.ts';
import { type KeyProvider, KeyUnavailable } from '../../../fleet/crypto/key-provider.ts';
import { keyUpkeep } from '../../../fleet/crypto/key-upkeep.ts';
import { SERVICE } from '../../../fleet/crypto/key-use.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import type { KeyOwner } from '../../../fleet/crypto/place.ts';
import { rewrap } from '../../../fleet/crypto/rewrap.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type ScriptedKeyProvider, scriptedKeyProvider } from './scripted-key-provider.ts';
import { openStage, type Stage } from './staged-keyring.ts';

const DAY = 24 * 60 * 60_000;
const admin = { ...SERVICE, type: 'AssumedRole', principal: 'role/KeyAdmin/ada' } as const;

describeWithDatabase("a change of an instance's key", () => {
  let stage: Stage;
  let dir: string;
  beforeAll(async () => {
    stage = await openStage();
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-keks-'));
  });
  afterAll(async () => {
    await stage.close();
    await rm(dir, { recursive: true, force: true });
  });

  const deps = (provider: KeyProvider) => ({
    provider,
    db: stage.keysDb,
    clock: stage.now,
    principal: 'role/fleet',
    wipe: () => undefined,
  });
  const reEncrypts = (provider: ScriptedKeyProvider, { instance }: KeyOwner) =>
    provider.log.filter(({ operation, contexts }) => operation === 'ReEncrypt' && JSON.stringify(contexts).includes(instance));
  const wrappedBy = (owner: KeyOwner) =>
    stage.db.within(owner, async (tx) => {
      const rows = await tx.selectFrom('data_key').select('wrapped_by').where('instance_id', '=', owner.instance).execute();
      return rows.map((row) => row.wrapped_by).sort();
    });

  /** Of one instance: others in this database are under keys that this provider does not know. */
  async function upkeep(provider: KeyProvider, { tenant }: KeyOwner): Promise<void> {
    const errors: unknown[] = [];
    await keyUpkeep({ ...deps(provider), onError: (at, error) => void (at.tenant === tenant && errors.push(error)) });
    expect(errors).toEqual([]);
  }

  /** An instance under k1 with a value sealed under each of twelve data keys, a month apart. */
  async function twelveKeys() {
    const provider = scriptedKeyProvider();
    for (const keyId of ['k1', 'k2', 'k3']) provider.script({ keyId });
    const owner = await addTenant(stage.db);
    await startKeyChange(deps(provider), owner, 'k1', admin);
    const writer = stage.keyring(provider);
    const values: { text: string; sealed: Buffer }[] = [];
    for (let month = 0; month < 12; month++) {
      values.push({ text: `value ${month}`, sealed: await stage.seal(writer, owner, `value ${month}`) });
      stage.advance(30 * DAY);
    }
    expect(await wrappedBy(owner)).toEqual(Array(12).fill('k1'));
    return { provider, owner, values };
  }

  /** With a keyring that has nothing cached: what the keys themselves allow now. */
  async function readable(provider: KeyProvider, owner: KeyOwner, values: readonly { text: string; sealed: Buffer }[]): Promise<number> {
    const keyring = stage.keyring(provider);
    let count = 0;
    for (const { text, sealed } of values) {
      stage.advance(1_000);
      const opened = await stage.open(keyring, owner, sealed).catch((error: unknown) => error);
      if (opened === text) count += 1;
      else expect(opened).toBeInstanceOf(KeyUnavailable);
    }
    return count;
  }

  const unfit = [
    ['UnsupportedKeyType', { symmetric: false }],
    ['KeyDisabled', { state: 'disabled' }],
    ['KeyDisabled', { state: 'pending-deletion' }],
    ['WrongRegion', { region: 'us-east-1' }],
  ] as const;
  it.each(unfit)('K5 S3-29 is refused as %s for %j, and nothing changed', async (code, flaw) => {
    const provider = scriptedKeyProvider();
    provider.script({ keyId: 'unfit', ...flaw });
    const owner = await addTenant(stage.db);
    await stage.seal(stage.keyring(provider), owner, 'x');
    const [before, usesBefore] = [await stage.db.within(owner, (tx) => readEncryption(tx, owner)), (await stage.uses(owner)).length];
    await expect(startKeyChange(deps(provider), owner, 'unfit', admin)).rejects.toMatchObject({ name: 'KeyChangeRefused', code });
    expect(await stage.db.within(owner, (tx) => readEncryption(tx, owner))).toEqual(before);
    expect((await stage.uses(owner)).slice(usesBefore).map(({ eventName }) => eventName)).toEqual(['DescribeKey']);
    expect(provider.live).toEqual([]);
  });

  it('K10 S3-26 wraps twelve data keys anew, after which the old key may go', async () => {
    const { provider, owner, values } = await twelveKeys();
    const started = await startKeyChange(deps(provider), owner, 'k2', admin);
    expect(started).toMatchObject({ keyId: 'k2', oldKeyId: 'k1', updateStatus: 'IN_PROGRESS', safeToRetireOldKey: false });
    expect(reEncrypts(provider, owner)).toEqual([]);
    const writer = stage.keyring(provider);
    values.push({ text: 'meanwhile', sealed: await stage.seal(writer, owner, 'meanwhile') });
    expect(await wrappedBy(owner), 'what is new is wrapped by the new key at once').toContain('k2');
    expect(await rewrap(deps(provider), owner)).toMatchObject({
      keyId: 'k2',
      updateStatus: 'COMPLETED',
      message: null,
      safeToRetireOldKey: true,
    });
    const recorded = (await stage.uses(owner)).filter(({ eventName }) => eventName === 'ReEncrypt');
    expect([reEncrypts(provider, owner).length, recorded.length]).toEqual([12, 12]);
    expect(recorded[0]).toMatchObject({
      requestParameters: { sourceKeyId: 'k1', destinationKeyId: 'k2' },
      resources: [{ arn: 'k1' }, { arn: 'k2' }],
      readOnly: true,
    });
    expect(recorded[0]?.requestParameters.sourceEncryptionContext).toEqual(recorded[0]?.requestParameters.destinationEncryptionContext);
    expect(
      provider.live.map(({ keyId }) => keyId),
      'the grant on the old key is given back',
    ).toEqual(['k2']);
    provider.set('k1', 'disabled');
    expect(await readable(provider, owner, values)).toBe(13);
    expect(await rewrap(deps(provider), owner)).toMatchObject({ updateStatus: 'COMPLETED' });
    expect(reEncrypts(provider, owner)).toHaveLength(12);
  });

  it('K11 goes on after the server was killed in the middle, each data key committed once', async () => {
    const { provider, owner, values } = await twelveKeys();
    await startKeyChange(deps(provider), owner, 'k2', admin);
    provider.after = ({ operation }) => {
      // The key service has done the sixth; the server never learns of it.
      if (operation === 'ReEncrypt' && reEncrypts(provider, owner).length === 6) throw new Error('killed');
    };
    await expect(rewrap(deps(provider), owner)).rejects.toThrow('killed');
    expect(await wrappedBy(owner)).toEqual([...Array(7).fill('k1'), ...Array(5).fill('k2')]);
    expect(await readable(provider, owner, values), 'from either key').toBe(12);
    provider.after = () => undefined;
    await upkeep(provider, owner);
    expect(await stage.db.within(owner, (tx) => readEncryption(tx, owner))).toMatchObject({
      updateStatus: 'COMPLETED',
      safeToRetireOldKey: true,
    });
    expect(reEncrypts(provider, owner)).toHaveLength(13);
    expect(await readable(provider, owner, values)).toBe(12);
  });

  it('K12 fails with the name of the key that is out of use, and the same key tries again', async () => {
    const { provider, owner, values } = await twelveKeys();
    await startKeyChange(deps(provider), owner, 'k2', admin);
    provider.after = () => {
      if (reEncrypts(provider, owner).length === 5) provider.set('k1', 'disabled');
    };
    const failed = await rewrap(deps(provider), owner);
    expect(failed).toMatchObject({
      updateStatus: 'FAILED',
      message: 'old key k1 not accessible',
      oldKeyId: 'k1',
      safeToRetireOldKey: false,
    });
    expect((await stage.uses(owner)).filter(({ errorCode }) => errorCode !== undefined)).toMatchObject([
      { eventName: 'ReEncrypt', errorCode: 'KeyDisabled' },
    ]);
    expect(await readable(provider, owner, values)).toBe(5);
    provider.after = () => undefined;
    provider.set('k1', 'enabled');
    expect(await startKeyChange(deps(provider), owner, 'k2', admin)).toMatchObject({ updateStatus: 'IN_PROGRESS', oldKeyId: 'k1' });
    expect(await rewrap(deps(provider), owner)).toMatchObject({ updateStatus: 'COMPLETED', safeToRetireOldKey: true });
    expect(await readable(provider, owner, values)).toBe(12);
    expect(provider.log.filter(({ operation, keyIds }) => operation === 'CreateGrant' && keyIds[0] === 'k2')).toHaveLength(1);
  });

  it('K12 names the new key where that one is out of use', async () => {
    const { provider, owner } = await twelveKeys();
    await startKeyChange(deps(provider), owner, 'k2', admin);
    provider.revoke('k2');
    expect(await rewrap(deps(provider), owner)).toMatchObject({ updateStatus: 'FAILED', message: 'new key k2 not accessible' });
  });

  it('K13 refuses another key while a change is under way, and takes the same one again', async () => {
    const { provider, owner } = await twelveKeys();
    await startKeyChange(deps(provider), owner, 'k2', admin);
    await expect(startKeyChange(deps(provider), owner, 'k3', admin)).rejects.toMatchObject({ code: 'UpdateInProgress' });
    expect(await startKeyChange(deps(provider), owner, 'k2', admin)).toMatchObject({ keyId: 'k2', updateStatus: 'IN_PROGRESS' });
    expect(provider.live.map(({ keyId }) => keyId)).toEqual(['k1', 'k2']);
  });

  it('leaves no data key in memory when it starts', async () => {
    const { provider, owner, values } = await twelveKeys();
    const keyring = stage.keyring(provider);
    await stage.open(keyring, owner, values[0]?.sealed ?? Buffer.of());
    await startKeyChange({ ...deps(provider), wipe: keyring.wipe }, owner, 'k2', admin);
    expect(provider.handedOut.at(-1)).toEqual(Buffer.alloc(32));
  });

  it('servers that work on it together wrap each data key once', async () => {
    const { provider, owner } = await twelveKeys();
    await startKeyChange(deps(provider), owner, 'k2', admin);
    provider.latencyMs = 15;
    await Promise.all([rewrap(deps(provider), owner), rewrap(deps(provider), owner), rewrap(deps(provider), owner)]);
    expect(reEncrypts(provider, owner)).toHaveLength(12);
    expect(await stage.db.within(owner, (tx) => readEncryption(tx, owner))).toMatchObject({ updateStatus: 'COMPLETED' });
  });

  it('S3-12 the local key is followed by a new one once a year, and all that was sealed still opens', async () => {
    const provider = await openLocalKeyProvider({ dir: path.join(dir, 'year'), clock: stage.now });
    const [owner, young] = [await addTenant(stage.db), await addTenant(stage.db)];
    const sealed = await stage.seal(stage.keyring(provider), owner, 'desk-0001');
    stage.advance(364 * DAY);
    await upkeep(provider, owner);
    expect(await readdir(path.join(dir, 'year'))).toHaveLength(1);
    await stage.seal(stage.keyring(provider), young, 'x');
    stage.advance(DAY);
    await upkeep(provider, owner);
    await upkeep(provider, owner);
    const id = (version: number) => `local:${owner.tenant}/${owner.instance}/${version}`;
    expect(await stage.db.within(owner, (tx) => readEncryption(tx, owner))).toEqual({
      keyId: id(2),
      managedBy: 'provider',
      status: 'ACTIVE',
      updateStatus: 'COMPLETED',
      message: null,
      oldKeyId: id(1),
      safeToRetireOldKey: true,
    });
    expect([await wrappedBy(owner), await wrappedBy(young)]).toEqual([[id(2)], [`local:${young.tenant}/${young.instance}/1`]]);
    await rm(path.join(dir, 'year', `${owner.tenant}_${owner.instance}_1.kek`));
    expect(await stage.open(stage.keyring(provider), owner, sealed)).toBe('desk-0001');
  });

  it('a data key that is made while the key changes is wrapped by the new one', async () => {
    const provider = scriptedKeyProvider();
    const owner = await addTenant(stage.db);
    let isFirst = true;
    const racing: KeyProvider = {
      ...provider,
      async generateDataKey(request, signal) {
        const made = await provider.generateDataKey(request, signal);
        if (isFirst) {
          isFirst = false;
          await rotateOwnKey(deps(provider), owner, SERVICE);
        }
        return made;
      },
    };
    const sealed = await stage.seal(stage.keyring(racing), owner, 'x');
    expect(await wrappedBy(owner)).toEqual([`prov-${owner.instance}#2`]);
    expect(await rewrap(deps(provider), owner)).toMatchObject({ updateStatus: 'COMPLETED' });
    expect(await stage.open(stage.keyring(provider), owner, sealed)).toBe('x');
  });
});

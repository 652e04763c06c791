import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signatureProblem } from '../../../agent/store/verify-signature.ts';
import { SignedDocument } from '../../../contracts/signed-document.ts';
import { addSealingKey } from '../../../fleet/crypto/sealing-keys.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { acceptSignature, awaitedSignatures } from '../../../fleet/documents/offline-signing.ts';
import { openSigningKeys } from '../../../fleet/documents/signing-keys.ts';
import { documentAt } from '../../../fleet/documents/stored-documents.ts';
import { openRealDesk, openStage, type Stage } from './open-stage.ts';

let stage: Stage;
let root = '';
beforeAll(async () => {
  stage = await openStage();
  root = await mkdtemp(path.join(tmpdir(), 'deskwarden-keys-'));
});
afterAll(async () => {
  await stage.close();
  await rm(root, { recursive: true, force: true });
});

const newDesk = async () => {
  const id = await stage.addDesk();
  return openRealDesk(stage, id, path.join(root, id));
};

describe('the signing key', () => {
  it('is made once, whoever starts, and is sealed', async () => {
    const fresh = await openStage();
    try {
      await fresh.deps.keys.refresh();
      const { db } = await fresh.replica();
      await db.within({ tenant: NIL_ID }, (tx) => tx.deleteFrom('signing_key').execute());
      const opened = await Promise.all([1, 2, 3].map(() => openSigningKeys({ db, keyring: fresh.keyring, now: fresh.now })));
      const kids = opened.map((keys) => keys.all().map(({ kid }) => kid));
      expect(kids.flat()).toHaveLength(3);
      expect(new Set(kids.flat()).size).toBe(1);
      const rows = await db.within({ tenant: NIL_ID }, (tx) => tx.selectFrom('signing_key').selectAll().execute());
      const der = opened[0]?.all()[0]?.privateKey?.export({ format: 'der', type: 'pkcs8' });
      expect(rows).toHaveLength(1);
      expect(rows[0]?.private_sealed?.includes(der?.subarray(-32) ?? 'none')).toBe(false);
    } finally {
      await fresh.close();
    }
  });

  it('rotates: old desks follow, new ones do from the first key on, and what they hold stays', async () => {
    await stage.publish('floor', 'verdictTtlMs: 60000\n');
    await stage.assign('floor', { kind: 'all' }, 1);
    const [old, away] = [await newDesk(), await newDesk()];
    await old.heartbeat();
    const revision = old.held().policy;
    await stage.deps.keys.rotate();
    const follows = await old.heartbeat();
    expect(follows.taken).toEqual(['keys']);
    expect(old.held().policy).toBe(revision);
    await stage.publish('floor', 'verdictTtlMs: 70000\n');
    expect((await old.heartbeat()).taken).toEqual(['policy']);
    await stage.deps.keys.rotate();
    await stage.publish('floor', 'verdictTtlMs: 80000\n');
    // Two rotations at once, then what the last key signed.
    expect((await away.heartbeat()).taken).toEqual(['keys', 'policy']);
    expect(away.held().keys).toBe(2);
    const joined = await newDesk();
    expect((await joined.heartbeat()).taken).toEqual(['keys', 'policy']);
    expect(stage.deps.keys.trusted()).toHaveLength(1);
    expect(stage.deps.keys.trusted()[0]?.kid).toBe(stage.deps.keys.all()[0]?.kid);
  });

  it('signs anew, under the same revision, what an earlier key has signed', async () => {
    const before = await newDesk();
    await before.heartbeat();
    const { policy } = before.held();
    await stage.deps.keys.rotate();
    const late = await newDesk();
    expect((await late.heartbeat()).taken).toEqual(['keys', 'policy']);
    expect(late.held().policy).toBe(policy);
    const held = await stage.within((tx) => documentAt(stage.deps, tx, stage.instance, 'policy', policy));
    const newest = stage.deps.keys.all().at(-1);
    expect(signatureProblem(SignedDocument.parse(held), [{ kid: newest?.kid ?? '', x: newest?.x ?? '' }])).toBeNull();
  });

  it('is learned of by another replica, whichever of both rotates', async () => {
    const { deps } = await stage.replica();
    await deps.keys.rotate();
    const desk = await newDesk();
    // The replica's own desks go first; then this process meets a key that it has not read yet.
    await desk.heartbeat({ deps });
    await stage.publish('floor', 'verdictTtlMs: 90000\n');
    expect((await desk.heartbeat()).taken).toEqual(['policy']);
  });
});

it('a key that is kept offline: nothing fails, the wait is counted, and a signature from outside is taken', async () => {
  const pair = generateKeyPairSync('ed25519');
  const { x = '' } = pair.publicKey.export({ format: 'jwk' });
  const key = await stage.deps.keys.rotate({ x });
  const desk = await newDesk();
  await desk.heartbeat().catch(() => undefined);
  const before = desk.held().policy;
  await stage.publish('floor', 'verdictTtlMs: 95000\n');
  await stage.publish('floor', 'verdictTtlMs: 96000\n');
  for (let round = 0; round < 3; round += 1) await desk.heartbeat().catch(() => undefined);
  expect(desk.held().policy).toBe(before);
  const awaited = await stage.within((tx) => awaitedSignatures(stage.deps, tx, stage.instance));
  const newest = awaited.filter(({ audience }) => audience === 'floor').at(-1);
  expect(newest?.kid).toBe(key.kid);
  expect(awaited.map(({ askedAt }) => askedAt)).toEqual(awaited.map(() => stage.now()));
  expect(awaited.length).toBeLessThanOrEqual(2);

  const wrong = Buffer.alloc(64, 1);
  const bring = (signature: Uint8Array, { kind, revision } = newest ?? { kind: 'policy' as const, revision: 0 }) =>
    stage.within((tx) => acceptSignature(stage.deps, tx, stage.instance, { kind, revision, signature }));
  await expect(bring(wrong)).rejects.toMatchObject({ code: 'bad-request' });
  for (const one of awaited) await bring(sign(null, Buffer.from(`${one.header}.${one.payload}`), pair.privateKey), one);
  expect(await stage.within((tx) => awaitedSignatures(stage.deps, tx, stage.instance))).toEqual([]);
  await desk.heartbeat();
  expect(desk.book.current().orders.policy).toMatchObject({ id: 'floor', verdictTtlMs: 96_000 });
  await expect(bring(wrong)).rejects.toMatchObject({ code: 'not-found' });
});

it('a server whose signing key is offline cannot swap the key that desks seal to', async () => {
  const pair = generateKeyPairSync('ed25519');
  const { x = '' } = pair.publicKey.export({ format: 'jwk' });
  const fresh = await openStage();
  try {
    const add = (kid: string) =>
      fresh.within((tx) => addSealingKey(tx, fresh.instance.id, { kid, kty: 'OKP', crv: 'X25519', x: kid.padEnd(43, 'x') }, fresh.now()));
    const desk = await openRealDesk(fresh, await fresh.addDesk(), path.join(root, 'sealing'));
    await add('a');
    expect((await desk.heartbeat()).taken).toEqual(['sealing']);
    await fresh.deps.keys.rotate({ x });
    await add('b');
    expect((await desk.heartbeat()).taken).toEqual(['keys']);
    expect((await desk.heartbeat()).taken).toEqual([]);
    expect(desk.book.current().sealingKey?.kid).toBe('a');
    const [awaited, ...others] = await fresh.within((tx) => awaitedSignatures(fresh.deps, tx, fresh.instance));
    expect([awaited?.kind, others]).toEqual(['sealing', []]);
    const { kind, revision, header, payload } = awaited ?? { kind: 'sealing' as const, revision: 0, header: '', payload: '' };
    const signature = sign(null, Buffer.from(`${header}.${payload}`), pair.privateKey);
    await fresh.within((tx) => acceptSignature(fresh.deps, tx, fresh.instance, { kind, revision, signature }));
    expect((await desk.heartbeat()).taken).toEqual(['sealing']);
    expect(desk.book.current().sealingKey?.kid).toBe('b');
  } finally {
    await fresh.close();
  }
});

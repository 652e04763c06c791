import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { z } from 'zod';
import { openDocumentStore } from '../../../../agent/store/document-store.ts';
import { MAX_ROTATIONS, openKeyStore } from '../../../../agent/store/key-store.ts';
import type { SetAside } from '../../../../agent/store/state-file.ts';
import type { SignedDocument } from '../../../../contracts/signed-document.ts';
import { instance, newSigner, type Signer, signed } from './signer.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-keys-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const newDir = () => mkdtemp(path.join(root, 'desk-'));
const [first, second, third] = [newSigner('first'), newSigner('second'), newSigner('third')];
const roots = [first.publicKey];

function rotation(by: Signer, revision: number, to: readonly Signer[]): SignedDocument {
  return signed(by, { kind: 'keys', revision }, { schema: 1, revision, keys: to.map(({ publicKey }) => publicKey) });
}

async function openIn(dir: string, from = roots) {
  const setAside: SetAside[] = [];
  const store = await openKeyStore({ dir, roots: from, instance, onSetAside: (report) => setAside.push(report) });
  return { store, setAside, now: () => store.now().map(({ kid }) => kid), ever: () => store.ever().map(({ kid }) => kid) };
}

it('trusts the keys of the enrolment until a rotation', async () => {
  const { store, now } = await openIn(await newDir());
  expect([now(), store.revision()]).toEqual([['first'], 0]);
});

it('follows rotations, each signed by a key of the one before, and does so again after a restart', async () => {
  const dir = await newDir();
  const { store } = await openIn(dir);
  expect(await store.accept(rotation(first, 1, [first, second]))).toMatchObject({ ok: true });
  expect(await store.accept(rotation(second, 2, [second]))).toMatchObject({ ok: true });
  expect(await store.accept(rotation(second, 5, [third]))).toMatchObject({ ok: true });

  const again = await openIn(dir);
  expect([again.now(), again.store.revision(), again.setAside]).toEqual([['third'], 5, []]);
  expect(new Set(again.ever())).toEqual(new Set(['first', 'second', 'third']));
});

it.each([
  [
    'by a key that is no longer trusted',
    rotation(first, 6, [first]),
    { code: 'bad-signature', detail: 'no trusted key has the id "first"' },
  ],
  ['by the key it brings', rotation(third, 6, [third]), { code: 'bad-signature', detail: 'no trusted key has the id "third"' }],
  ['of an older revision', rotation(second, 4, [second]), { code: 'older-revision', detail: 'revision 4, held is 5' }],
  [
    'of the same revision with other keys',
    rotation(second, 5, [third]),
    { code: 'older-revision', detail: 'revision 5 is held with another body' },
  ],
  [
    'that leaves no key',
    signed(second, { kind: 'keys', revision: 6 }, { schema: 1, revision: 6, keys: [] }),
    { code: 'bad-request', detail: 'keys: Too small: expected array to have >=1 items' },
  ],
  [
    'of another kind',
    signed(second, { kind: 'policy', revision: 6 }, { schema: 1, revision: 6, keys: [third.publicKey] }),
    { code: 'bad-request', detail: 'a document of kind policy, not keys' },
  ],
])('refuses a rotation %s', async (_name, offered, expected) => {
  const { store, now } = await openIn(await newDir());
  await store.accept(rotation(first, 5, [second]));
  expect(await store.accept(offered)).toEqual({ ok: false, ...expected });
  expect(now()).toEqual(['second']);
});

it('takes the last rotation again as nothing new', async () => {
  const dir = await newDir();
  const { store } = await openIn(dir);
  const both = rotation(first, 5, [first, second]);
  await store.accept(both);
  const onDisk = await readFile(path.join(dir, 'keys.json'), 'utf8');
  expect(await store.accept(both)).toMatchObject({ ok: true });
  expect(await readFile(path.join(dir, 'keys.json'), 'utf8')).toBe(onDisk);
});

it('believes its disk only as far as the keys of the enrolment vouch for it', async () => {
  const dir = await newDir();
  const { store } = await openIn(dir);
  await store.accept(rotation(first, 1, [second]));
  const file = path.join(dir, 'keys.json');
  const [genuine] = z.array(z.unknown()).parse(JSON.parse(await readFile(file, 'utf8')));
  for (const forged of [
    [rotation(third, 1, [third])],
    [genuine, rotation(third, 2, [third])],
    [genuine, genuine, rotation(first, 2, [third])],
  ]) {
    await writeFile(file, JSON.stringify(forged));
    const again = await openIn(dir);
    expect(again.now()).toEqual(['first']);
    expect(again.setAside).toMatchObject([{ reason: 'wrong-shape', detail: expect.stringContaining('bad-signature') }]);
  }
});

it('keeps what a retired key signed, over a restart, and takes nothing more from it', async () => {
  const dir = await newDir();
  const settings = { dir, kind: 'policy', schema: z.strictObject({ name: z.string() }), instance } as const;
  const before = await openIn(dir);
  const held = await openDocumentStore({ ...settings, trustedKeys: before.store });
  await held.accept(signed(first, { revision: 1 }, { name: 'of the first key' }));
  await before.store.accept(rotation(first, 1, [second]));

  const after = await openIn(dir);
  const kept = await openDocumentStore({ ...settings, trustedKeys: after.store });
  expect(kept.current()).toEqual({ name: 'of the first key' });
  expect(await kept.accept(signed(first, { revision: 2 }, { name: 'x' }))).toMatchObject({ ok: false, code: 'bad-signature' });
  expect(await kept.accept(signed(second, { revision: 2 }, { name: 'of the second key' }))).toMatchObject({ ok: true });
});

it('stops at its last rotation without losing it', async () => {
  const dir = await newDir();
  const chain = Array.from({ length: MAX_ROTATIONS }, (_, index) => rotation(first, index + 1, [first]));
  await writeFile(path.join(dir, 'keys.json'), JSON.stringify(chain));
  const { store, setAside } = await openIn(dir);
  expect([store.revision(), setAside]).toEqual([MAX_ROTATIONS, []]);
  expect(await store.accept(rotation(first, MAX_ROTATIONS + 1, [second]))).toEqual({
    ok: false,
    code: 'internal',
    detail: `${MAX_ROTATIONS} rotations: enrol anew`,
  });
  expect(store.revision()).toBe(MAX_ROTATIONS);
});

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openDocumentStore } from '../../../../agent/store/document-store.ts';
import type { TrustedKeys } from '../../../../agent/store/key-store.ts';
import type { SetAside } from '../../../../agent/store/state-file.ts';
import { instance, newSigner, signed } from './signer.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-documents-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const ours = newSigner('ours');
const retired = newSigner('retired');
const trustedKeys: TrustedKeys = { now: () => [ours.publicKey], ever: () => [retired.publicKey, ours.publicKey] };

const Body = z.strictObject({
  schema: z.literal(1),
  revision: z.int().optional(),
  instance: z.strictObject({ alias: z.string().optional(), region: z.string() }).optional(),
  name: z.string(),
});

async function newDir(): Promise<string> {
  return mkdtemp(path.join(root, 'desk-'));
}

async function openIn(dir: string, keys = trustedKeys) {
  const setAside: SetAside[] = [];
  const store = await openDocumentStore({
    dir,
    kind: 'policy',
    schema: Body,
    trustedKeys: keys,
    instance,
    problemsOf: ({ name }) => (name === 'bad' ? [{ path: ['name'], message: 'nobody is called that' }] : []),
    onSetAside: (report) => setAside.push(report),
  });
  return { store, setAside };
}

const body = (name: string, more: object = {}) => ({ schema: 1, name, ...more });
const revision = (n: number, name = `of ${n}`) => signed(ours, { revision: n }, body(name, { revision: n }));

describe('a document is refused', () => {
  const refusals: [string, unknown, { code: string; detail: string }][] = [
    ['that is nothing', null, { code: 'bad-request', detail: 'Invalid input: expected object, received null' }],
    ['of a later schema', { ...revision(4), schema: 2 }, { code: 'unsupported-schema', detail: 'schema: Invalid input: expected 1' }],
    ['with a key nobody knows', { ...revision(4), more: 1 }, { code: 'bad-request', detail: 'more: unknown key "more"' }],
    [
      'of another kind',
      signed(ours, { kind: 'allowlist', revision: 4 }, body('x')),
      { code: 'bad-request', detail: 'a document of kind allowlist, not policy' },
    ],
    ['with a changed body', { ...revision(4), body: '{}' }, { code: 'bad-signature', detail: 'not signed by key "ours"' }],
    [
      'with a raised revision',
      { ...revision(2), revision: 9 },
      { code: 'bad-signature', detail: 'the envelope differs from what was signed' },
    ],
    [
      'by a stranger',
      signed(newSigner('stranger'), { revision: 4 }, body('x')),
      { code: 'bad-signature', detail: 'no trusted key has the id "stranger"' },
    ],
    [
      'by a key of before',
      signed(retired, { revision: 4 }, body('x')),
      { code: 'bad-signature', detail: 'no trusted key has the id "retired"' },
    ],
    [
      'for another alias',
      signed(ours, { revision: 4, instance: { ...instance, alias: 'evil' } }, body('x')),
      { code: 'wrong-instance', detail: 'for evil in us-west-2' },
    ],
    [
      'for another Region',
      signed(ours, { revision: 4, instance: { ...instance, region: 'eu-west-2' } }, body('x')),
      { code: 'wrong-instance', detail: 'for acme in eu-west-2' },
    ],
    [
      'whose body is for another instance',
      signed(ours, { revision: 4 }, body('x', { instance: { alias: 'evil', region: 'us-west-2' } })),
      { code: 'wrong-instance', detail: 'the body is for evil in us-west-2' },
    ],
    [
      'whose body has another revision',
      signed(ours, { revision: 4 }, body('x', { revision: 5 })),
      { code: 'bad-request', detail: 'the body is revision 5, the envelope 4' },
    ],
    ['of an older revision', revision(2), { code: 'older-revision', detail: 'revision 2, held is 3' }],
    [
      'of the same revision with another body',
      revision(3, 'other'),
      { code: 'older-revision', detail: 'revision 3 is held with another body' },
    ],
    ['whose body is no JSON', signed(ours, { revision: 4 }, '{'), { code: 'bad-request', detail: 'the body is not JSON' }],
    [
      'whose body is of a later schema',
      signed(ours, { revision: 4 }, { schema: 2, name: 'x' }),
      { code: 'unsupported-schema', detail: 'schema: Invalid input: expected 1' },
    ],
    [
      'whose body has a key nobody knows',
      signed(ours, { revision: 4 }, body('x', { nme: 'y' })),
      { code: 'bad-request', detail: 'nme: unknown key "nme"' },
    ],
    ['whose body has problems', revision(4, 'bad'), { code: 'bad-request', detail: 'name: nobody is called that' }],
  ];

  it.each(refusals)('%s', async (_name, offered, expected) => {
    const dir = await newDir();
    const { store } = await openIn(dir);
    await store.accept(revision(3));
    const onDisk = await readFile(path.join(dir, 'policy.json'), 'utf8');

    expect(await store.accept(offered)).toEqual({ ok: false, ...expected });
    expect(store.current()).toEqual(body('of 3', { revision: 3 }));
    expect(await readFile(path.join(dir, 'policy.json'), 'utf8')).toBe(onDisk);
  });
});

describe('a document store', () => {
  it('has nothing before the first document', async () => {
    const { store } = await openIn(await newDir());
    expect([store.current(), store.revision()]).toEqual([null, 0]);
  });

  it('keeps a document over a restart, whichever of the keys trusted so far signed it', async () => {
    const dir = await newDir();
    const { store } = await openIn(dir, { now: () => [retired.publicKey], ever: () => [retired.publicKey] });
    const offered = signed(retired, { revision: 5 }, body('x'));
    expect(await store.accept(offered)).toEqual({ ok: true, value: body('x') });

    const again = await openIn(dir);
    expect([again.store.current(), again.store.revision(), again.setAside]).toEqual([body('x'), 5, []]);
  });

  it('takes the same document twice, and keeps it as signed anew', async () => {
    const dir = await newDir();
    const { store } = await openIn(dir, { now: () => [retired.publicKey, ours.publicKey], ever: trustedKeys.ever });
    const old = signed(retired, { revision: 5 }, body('x'));
    const renewed = signed(ours, { revision: 5, issuedAt: '2026-12-01T10:00:00Z' }, body('x'));
    for (const offered of [old, old, renewed]) expect(await store.accept(offered)).toEqual({ ok: true, value: body('x') });
    const { store: later } = await openIn(dir, { now: trustedKeys.now, ever: trustedKeys.now });
    expect(later.revision()).toBe(5);
  });

  it.each([
    ['a tampered body', (text: string) => text.replace('of 3', 'of 8'), 'bad-signature: not signed by key "ours"'],
    [
      'a raised revision',
      (text: string) => text.replace('"revision":3,"issuedAt"', '"revision":9,"issuedAt"'),
      'bad-signature: the envelope',
    ],
    ['a cut file', (text: string) => text.slice(0, 100), 'SyntaxError'],
    ['no document', () => '{}', 'Invalid input'],
  ])('sets %s on its disk aside', async (_name, change, detail) => {
    const dir = await newDir();
    const { store } = await openIn(dir);
    await store.accept(revision(3));
    const file = path.join(dir, 'policy.json');
    await writeFile(file, change(await readFile(file, 'utf8')));

    const again = await openIn(dir);
    expect(again.store.current()).toBeNull();
    expect(again.setAside).toMatchObject([{ path: file, movedTo: `${file}.corrupt-1`, detail: expect.stringContaining(detail) }]);
    expect(await readdir(dir)).toEqual(['policy.json.corrupt-1']);
    expect(await again.store.accept(revision(3))).toMatchObject({ ok: true });
  });

  it('does not load what was put there for another instance', async () => {
    const dir = await newDir();
    await writeFile(path.join(dir, 'policy.json'), JSON.stringify(signed(ours, { instance: { ...instance, alias: 'evil' } }, body('x'))));
    const { store, setAside } = await openIn(dir);
    expect([store.current(), setAside.length]).toEqual([null, 1]);
  });

  it('obeys nothing that it could not store', async () => {
    const dir = await newDir();
    const { store } = await openIn(path.join(dir, 'file'));
    await writeFile(path.join(dir, 'file'), '');
    expect(await store.accept(revision(3))).toEqual({
      ok: false,
      code: 'internal',
      detail: expect.stringContaining('could not be stored'),
    });
    expect(store.current()).toBeNull();
  });

  it('takes documents that arrive at once one by one', async () => {
    const { store } = await openIn(await newDir());
    const results = await Promise.all([2, 9, 4, 9, 10, 1].map((n) => store.accept(revision(n))));
    expect(results.map((result) => (result.ok ? result.value.revision : result.code))).toEqual([
      2,
      9,
      'older-revision',
      9,
      10,
      'older-revision',
    ]);
  });

  it('never goes back, whatever it is offered, and a restart changes nothing', async () => {
    const offers = {
      good: (n: number) => revision(n),
      other: (n: number) => revision(n, 'other'),
      problems: (n: number) => revision(n, 'bad'),
      raised: (n: number) => ({ ...revision(n), revision: n + 10 }),
      stranger: (n: number) => signed(newSigner('ours'), { revision: n }, body('x')),
      elsewhere: (n: number) => signed(ours, { revision: n, instance: { ...instance, alias: 'evil' } }, body('x')),
    };
    type Kind = keyof typeof offers;
    const accepts = fc.record({ kind: fc.constantFrom(...(Object.keys(offers) as Kind[])), n: fc.integer({ min: 1, max: 12 }) });
    const steps = fc.array(fc.oneof({ weight: 5, arbitrary: accepts }, { weight: 1, arbitrary: fc.constant('restart' as const) }), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const dir = await newDir();
        let { store } = await openIn(dir);
        let model: { n: number; name: string } | null = null;
        for (const step of sequence) {
          if (step === 'restart') {
            const again = await openIn(dir);
            expect(again.setAside).toEqual([]);
            store = again.store;
          } else {
            const { kind, n } = step;
            const name = kind === 'other' ? 'other' : `of ${n}`;
            const isGood: boolean =
              (kind === 'good' || kind === 'other') && (model === null || n > model.n || (n === model.n && name === model.name));
            expect(await store.accept(offers[kind](n))).toMatchObject({ ok: isGood });
            if (isGood) model = { n, name };
          }
          expect(store.revision()).toBe(model?.n ?? 0);
          expect(store.current()).toEqual(model && body(model.name, { revision: model.n }));
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

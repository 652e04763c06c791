import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOrderBook, type Trust } from '../../../../agent/daemon/order-book.ts';
import type { SetAside } from '../../../../agent/store/state-file.ts';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import type { Allowlist } from '../../../../contracts/allowlist.ts';
import type { Policy } from '../../../../contracts/policy.ts';
import { fakeCheck } from '../../../fakes/fake-check.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';
import { instance, newSigner, signed } from '../store/signer.ts';

const fleet = newSigner('fleet');
const trust: Trust = { instance, signingKeys: [fleet.publicKey] };
const checks = [fakeCheck('network.a', { minIntervalMs: 10_000 })];
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-orders-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function open(settings: { localPolicy?: Policy | null; trust?: Trust | null } = {}) {
  const aside: SetAside[] = [];
  const book = await openOrderBook({
    stateDir: dir,
    checks,
    bundled: bundledAllowlist,
    localPolicy: null,
    trust,
    vantageOf: ({ features }) => (features.vdi ? 'vdi-guest' : 'endpoint'),
    onSetAside: (report) => aside.push(report),
    ...settings,
  });
  return { book, aside };
}

const policy = (revision: number, rules = [fakeRule('network.a')]) => fakePolicy(rules, { id: 'floor', revision });
const signedPolicy = (body: Policy) => signed(fleet, { kind: 'policy', revision: body.revision }, body);

const waiver = {
  schema: 1,
  id: '7f1d9a54-0c9a-4a52-9a8e-0d9a5b1c2d3e',
  rule: 'network.a',
  reason: 'line being repaired',
  grantedBy: 'it@example.com',
  until: '2026-12-01T00:00:00.000Z',
};

describe('a desk obeys', () => {
  it('the local policy until the fleet has signed one, and its own signed one from then on', async () => {
    const { book } = await open({ localPolicy: policy(1) });
    expect(book.current()).toMatchObject({ signed: false, orders: { policy: { id: 'floor' } } });
    expect(await book.accept('policy', signedPolicy({ ...policy(2), id: 'signed' }))).toEqual({ ok: true });
    expect(book.current()).toMatchObject({ signed: true, orders: { policy: { id: 'signed', revision: 2 } } });
    expect(book.held()).toEqual({ policy: 2, allowlist: 0, waivers: 0, sealing: 0, keys: 0 });
    const again = await open({ localPolicy: policy(1) });
    expect(again.book.current()).toMatchObject({ signed: true, orders: { policy: { id: 'signed', revision: 2 } } });
  });

  it('what every check recommends, where it is enrolled and nobody has written a policy', async () => {
    const { book } = await open();
    expect(book.current()).toMatchObject({ signed: false, orders: { policy: { id: 'built-in', instance } } });
    expect(book.current().orders.policy.rules.map(({ id }) => id)).toEqual(['network.a']);
  });

  it('no signature where it is not enrolled', async () => {
    const { book } = await open({ trust: null, localPolicy: policy(1) });
    expect(await book.accept('policy', signedPolicy(policy(2)))).toMatchObject({ ok: false, code: 'bad-signature' });
    expect(book.current().signed).toBe(false);
  });
});

describe('a bad document never replaces a good one', () => {
  const stranger = newSigner('fleet');
  it.each([
    ['signed by a stranger', 'bad-signature', () => signed(stranger, { revision: 3 }, policy(3))],
    ['older', 'older-revision', () => signedPolicy(policy(1))],
    ['for another instance', 'wrong-instance', () => signed(fleet, { revision: 3, instance: { ...instance, alias: 'other' } }, policy(3))],
    [
      'with a cadence that a check does not allow',
      'bad-request',
      () => signedPolicy(policy(3, [fakeRule('network.a', { everyMs: 5_000 })])),
    ],
    [
      'with parameters that a check does not have',
      'bad-request',
      () => signedPolicy(policy(3, [fakeRule('network.a', { params: { x: 1 } })])),
    ],
    [
      'for a Region that the allowlist lacks',
      'wrong-instance',
      () => signedPolicy({ ...policy(3), instance: { ...policy(3).instance, region: 'xx-nowhere-1' } }),
    ],
    ['garbage', 'unsupported-schema', () => ({ hello: 'world' })],
  ])('%s', async (_what, code, envelope) => {
    const { book } = await open();
    await book.accept('policy', signedPolicy(policy(2)));
    expect(await book.accept('policy', envelope())).toMatchObject({ ok: false, code });
    expect(book.current()).toMatchObject({ signed: true, orders: { policy: { revision: 2 } } });
  });

  it('an allowlist without the desk’s Region, behind which there would be nothing to find', async () => {
    const { book } = await open();
    const regions = { ...bundledAllowlist.regions };
    delete (regions as Record<string, unknown>)[instance.region];
    const emptied: Allowlist = { ...bundledAllowlist, revision: 9, createdAt: '2026-11-01T00:00:00Z', regions };
    expect(await book.accept('allowlist', signed(fleet, { kind: 'allowlist', revision: 9 }, emptied))).toMatchObject({
      ok: false,
      code: 'bad-request',
    });
    expect(book.current().orders.plan.endpoints.length).toBeGreaterThan(0);
  });
});

it('a rule of a check that this desk lacks is no reason to refuse a policy', async () => {
  const { book } = await open();
  expect(await book.accept('policy', signedPolicy(policy(2, [fakeRule('network.a'), fakeRule('network.of-tomorrow')])))).toEqual({
    ok: true,
  });
});

it('waivers change neither policy nor plan, so that nothing is looked at anew', async () => {
  const { book } = await open();
  await book.accept('policy', signedPolicy(policy(2)));
  const before = book.current();
  expect(
    await book.accept('waivers', signed(fleet, { kind: 'waivers', revision: 4 }, { schema: 1, revision: 4, waivers: [waiver] })),
  ).toEqual({ ok: true });
  const { orders, scope } = book.current();
  expect(orders.waivers).toMatchObject([{ rule: 'network.a' }]);
  expect([orders.policy === before.orders.policy, orders.plan === before.orders.plan, scope === before.scope]).toEqual([true, true, true]);
});

describe('the key to which restricted fields are sealed', () => {
  const key = (kid: string) => ({ kid, kty: 'OKP', crv: 'X25519', x: 'x'.repeat(43) });
  const order = (revision: number, kid: string | null, schema = 1) =>
    signed(fleet, { kind: 'sealing', revision }, { schema, revision, key: kid === null ? null : key(kid) });
  const kidOf = ({ book }: Awaited<ReturnType<typeof open>>) => book.current().sealingKey?.kid ?? null;

  it('is none until the fleet has signed one, survives a restart, follows the next, and ends when there is none any more', async () => {
    const first = await open();
    expect(kidOf(first)).toBeNull();
    expect(await first.book.accept('sealing', order(1, 'a'))).toEqual({ ok: true });
    const before = first.book.current();
    const again = await open();
    expect([kidOf(first), kidOf(again), again.book.held().sealing]).toEqual(['a', 'a', 1]);
    await first.book.accept('sealing', order(2, 'b'));
    expect([kidOf(first), first.book.held().sealing]).toEqual(['b', 2]);
    // Nothing is looked at anew for it.
    expect([first.book.current().orders.plan === before.orders.plan, first.book.current().scope === before.scope]).toEqual([true, true]);
    await first.book.accept('sealing', order(3, null));
    expect([kidOf(first), first.book.held().sealing]).toEqual([null, 3]);
  });

  it.each([
    [
      'of a stranger',
      'bad-signature',
      () => signed(newSigner('fleet'), { kind: 'sealing', revision: 3 }, { schema: 1, revision: 3, key: key('c') }),
    ],
    ['of before', 'older-revision', () => order(1, 'c')],
    ['of tomorrow', 'unsupported-schema', () => order(3, 'c', 2)],
    [
      'with a private part',
      'bad-request',
      () => signed(fleet, { kind: 'sealing', revision: 3 }, { schema: 1, revision: 3, key: { ...key('c'), d: 'x' } }),
    ],
    [
      'that was signed as something else',
      'bad-request',
      () => signed(fleet, { kind: 'waivers', revision: 3 }, { schema: 1, revision: 3, key: key('c') }),
    ],
  ])('is never replaced by one %s', async (_what, code, envelope) => {
    const desk = await open();
    await desk.book.accept('sealing', order(2, 'a'));
    expect(await desk.book.accept('sealing', envelope())).toMatchObject({ ok: false, code });
    expect([kidOf(desk), desk.book.held().sealing]).toEqual(['a', 2]);
  });

  it('is not of an earlier fleet', async () => {
    const first = await open();
    await first.book.accept('sealing', order(1, 'a'));
    const moved = await open({ trust: { instance, signingKeys: [newSigner('other').publicKey] } });
    expect([kidOf(moved), moved.aside.length]).toEqual([null, 1]);
  });
});

it('a newer allowlist is planned with, and the shipped one again once the product knows more', async () => {
  const { book } = await open();
  const newer: Allowlist = { ...bundledAllowlist, revision: 9, createdAt: '2026-11-01T00:00:00Z' };
  await book.accept('allowlist', signed(fleet, { kind: 'allowlist', revision: 9 }, newer));
  expect(book.current().orders.plan.allowlist.revision).toBe(9);
  const older: Allowlist = { ...bundledAllowlist, revision: 10, createdAt: '2026-01-01T00:00:00Z' };
  await book.accept('allowlist', signed(fleet, { kind: 'allowlist', revision: 10 }, older));
  expect(book.current().orders.plan.allowlist.revision).toBe(bundledAllowlist.revision);
});

it('what the gate closes are the instance’s own names and AWS’s media', async () => {
  const { book } = await open();
  const { scope } = book.current();
  expect(scope.ccpHosts).toEqual(['acme.my.connect.aws', 'acme.awsapps.com']);
  expect(scope.transportHosts).toEqual(['rtc.connect-telecom.us-west-2.amazonaws.com']);
  expect(scope.mediaPrefixes).toContain('15.193.0.0/19');
  expect(scope.sharedPrefixes.length).toBeGreaterThan(100);
});

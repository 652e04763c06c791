import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeAt, stepAt } from '../../../agent/gate/release-code.ts';
import type { WaiverTarget } from '../../../contracts/console/waivers.ts';
import { RuleId } from '../../../contracts/finding.ts';
import { type Actor, nobodyIn, type Profile } from '../../../fleet/access/actor.ts';
import type { Permission } from '../../../fleet/access/permission.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { approveRelease, endRelease, requestRelease } from '../../../fleet/waivers/group-releases.ts';
import { listReleases, listWaivers } from '../../../fleet/waivers/list-grants.ts';
import { readReleaseCode, releaseCodeAt } from '../../../fleet/waivers/release-code.ts';
import { approveWaiver, endWaiver, requestWaiver } from '../../../fleet/waivers/waivers.ts';
import { openRealDesk, openStage, type RealDesk, type Stage } from '../documents/open-stage.ts';

const HOUR_MS = 60 * 60_000;
let stage: Stage;
let root = '';
let berlin = '';
let munich = '';
let desk: RealDesk;
let away: RealDesk;

const blocking = `rules:
  - check: network.dns
    on: { fail: block }
  - check: tls.handshake
    on: { fail: block }
  - check: tls.clock-skew
    id: clock
    on: { fail: warn, degraded: note, unknown: note }
`;

beforeAll(async () => {
  stage = await openStage();
  root = await mkdtemp(path.join(tmpdir(), 'deskwarden-waivers-'));
  const de = await stage.addGroup('DE');
  [berlin, munich] = [await stage.addGroup('Berlin', de), await stage.addGroup('Munich', de)];
  await stage.publish('floor', `base: none\n${blocking}`);
  await stage.assign('floor', { kind: 'all' }, 1);
  const open = async (group: string) => {
    const id = await stage.addDesk({ group });
    return openRealDesk(stage, id, path.join(root, id));
  };
  [desk, away] = [await open(berlin), await open(munich)];
  for (const one of [desk, away]) await one.heartbeat();
});
afterAll(async () => {
  await stage.close();
  await rm(root, { recursive: true, force: true });
});

const all: Permission[] = [
  'Devices.View',
  'Waivers.Request',
  'Waivers.Approve',
  'GroupRelease.Request',
  'GroupRelease.Approve',
  'Devices.ReleaseCode',
];

async function person(
  group: string | null,
  accessControl: Profile['accessControl'],
  permissions: readonly Permission[] = all,
): Promise<Actor> {
  const account = await stage.addAccount(group, `p-${Math.random()}`);
  const profile = { id: account, name: 'p', isDefault: false, permissions, accessControl };
  const tree =
    group === null
      ? null
      : await stage.within((tx) =>
          tx.selectFrom('hierarchy_group').select(['id', 'path']).where('id', '=', group).executeTakeFirstOrThrow(),
        );
  return { ...nobodyIn(stage.tenant), kind: 'account', account, group: tree, profiles: [profile], mfaAt: stage.now(), mfaRequired: true };
}
const admin = (permissions?: readonly Permission[]) => person(null, null, permissions);
const ownHierarchy: Profile['accessControl'] = {
  hierarchy: { mode: 'own' },
  hierarchyRestrictedResources: ['Device'],
  tags: {},
  tagRestrictedResources: [],
};
const supervisor = (group: string, permissions?: readonly Permission[]) => person(group, ownHierarchy, permissions);

const until = (ms: number) => new Date(stage.now().getTime() + ms).toISOString();
const ask = (actor: Actor, target: WaiverTarget, rule = 'network.dns', ms = HOUR_MS) =>
  stage.within((tx) =>
    requestWaiver(stage, {
      tx,
      actor,
      now: stage.now(),
      what: { instance: stage.instance.id, target, rule: RuleId.parse(rule), reason: 'the resolver moves MARKER-7', until: until(ms) },
    }),
  );
const approve = (actor: Actor, id: string) => stage.within((tx) => approveWaiver({ tx, actor, now: stage.now(), what: id }));
const end = (actor: Actor, id: string) => stage.within((tx) => endWaiver({ tx, actor, now: stage.now(), what: id }));
const list = async (actor: Actor, state?: 'requested' | 'active' | 'ended') =>
  (
    await stage.within((tx) =>
      listWaivers({ tx, keyring: stage.keyring, actor, now: stage.now(), query: { limit: 200, ...(state && { state }) } }),
    )
  ).items;
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof FleetFault ? error.code : Promise.reject(error)),
  );
const waived = (one: RealDesk) =>
  one.book
    .current()
    .orders.waivers.map(({ rule }) => rule as string)
    .toSorted();
const target = () => ({ kind: 'device' as const, device: desk.id });

describe('a waiver', () => {
  it('acts with the next heartbeat after somebody else approved it, names who and why, and drops out when its time is over', async () => {
    const [one, other] = [await admin(), await admin()];
    const { id } = await ask(one, target());
    expect((await desk.heartbeat()).taken).toEqual([]);
    expect(await code(approve(one, id))).toBe('forbidden');
    await approve(other, id);
    expect((await desk.heartbeat()).taken).toEqual(['waivers']);
    const name = (await stage.within((tx) => tx.selectFrom('account').select('id').where('id', '=', other.account).executeTakeFirst()))?.id;
    expect(name).toBe(other.account);
    expect(desk.book.current().orders.waivers).toMatchObject([
      { id, rule: 'network.dns', reason: 'the resolver moves MARKER-7', until: until(HOUR_MS) },
    ]);
    expect(desk.book.current().orders.waivers[0]?.grantedBy).toMatch(/^p-/);
    expect((await away.heartbeat()).taken).toEqual([]);
    stage.advance(HOUR_MS);
    expect((await desk.heartbeat()).taken).toEqual(['waivers']);
    expect(waived(desk)).toEqual([]);
    expect(await code(approve(other, id))).toBe('conflict');
  });

  it('is of a group with all below it; it ends by hand, by who asked or who approves', async () => {
    const [one, other, clerk] = [await admin(), await admin(), await admin(['Devices.View', 'Waivers.Request'])];
    const { id } = await ask(one, { kind: 'group', group: munich });
    await approve(other, id);
    await away.heartbeat();
    expect([waived(away), waived(desk)]).toEqual([['network.dns'], []]);
    expect(await code(end(clerk, id))).toBe('forbidden');
    await end(one, id);
    await away.heartbeat();
    expect(waived(away)).toEqual([]);
    expect(await code(end(other, id))).toBe('conflict');
    const own = await ask(clerk, target());
    await end(clerk, own.id);
  });

  it('is only for what one reaches: what is unseen is not there', async () => {
    const [inBerlin, inMunich, all] = [await supervisor(berlin), await supervisor(munich), await admin()];
    expect(await code(ask(inMunich, target()))).toBe('not-found');
    expect(await code(ask(inMunich, { kind: 'device', device: '00000000-0000-4000-8000-000000000001' }))).toBe('not-found');
    expect(await code(ask(inMunich, { kind: 'group', group: berlin }))).toBe('not-found');
    expect(await code(ask(await supervisor(berlin, ['Devices.View']), target()))).toBe('forbidden');
    const { id } = await ask(inBerlin, target());
    expect(await code(approve(inMunich, id))).toBe('not-found');
    expect(await code(end(inMunich, id))).toBe('not-found');
    const inGroup = await ask(inMunich, { kind: 'group', group: munich });
    const ids = async (actor: Actor) => (await list(actor, 'requested')).map((one) => one.id).toSorted();
    expect(await ids(inBerlin)).toEqual([id]);
    expect(await ids(inMunich)).toEqual([inGroup.id]);
    expect(await ids(all)).toEqual([id, inGroup.id].toSorted());
    for (const one of [id, inGroup.id]) await end(all, one);
  });

  it('that a supervisor approves lasts at most 4 h, and is of no check of TLS and not of the agent itself', async () => {
    const [boss, other, all] = [await supervisor(berlin), await supervisor(berlin), await admin()];
    const long = await ask(other, target(), 'network.dns', 4 * HOUR_MS + 60_000);
    expect(await code(approve(boss, long.id))).toBe('forbidden');
    stage.advance(60_000);
    expect(await code(approve(boss, long.id))).toBe('done');
    // By the check behind the rule, too: `clock` is one of TLS.
    for (const rule of ['tls.handshake', 'clock']) {
      const { id } = await ask(other, target(), rule);
      expect(await code(approve(boss, id)), rule).toBe('forbidden');
      expect(await code(approve(all, id)), rule).toBe('done');
      await end(all, id);
    }
    await end(all, long.id);
  });

  it('needs a rule that there is, an end to come, and not too far', async () => {
    const one = await admin();
    expect(await code(ask(one, target(), 'network.nothing'))).toBe('bad-request');
    expect(await code(ask(one, target(), 'network.dns', 0))).toBe('bad-request');
    expect(await code(ask(one, target(), 'network.dns', 30 * 24 * HOUR_MS + 1))).toBe('bad-request');
  });

  it('leaves neither its reason nor who granted it in the database, signed or not', async () => {
    const [one, other] = [await admin(), await admin()];
    const { id } = await ask(one, target());
    await approve(other, id);
    await desk.heartbeat();
    expect(waived(desk)).toEqual(['network.dns']);
    const dump = await stage.within(async (tx) =>
      JSON.stringify(
        [await tx.selectFrom('waiver').selectAll().execute(), await tx.selectFrom('signed_document').selectAll().execute()].map((rows) =>
          rows.map((row) => Object.values(row).map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : value))),
        ),
      ),
    );
    expect(dump).toContain('network.dns');
    expect(dump).not.toContain('MARKER-7');
    expect(dump).not.toContain('p-0.');
    await end(one, id);
    await desk.heartbeat();
  });
});

describe('a release of a group', () => {
  const request = (actor: Actor, ms = HOUR_MS) =>
    stage.within((tx) =>
      requestRelease(stage, {
        tx,
        actor,
        now: stage.now(),
        what: { instance: stage.instance.id, group: berlin, reason: 'wrong policy', until: until(ms) },
      }),
    );

  it('takes two people, acts on every rule that blocks, and ends', async () => {
    const [one, other] = [await admin(), await admin()];
    const { id } = await request(one);
    const go = (actor: Actor) => stage.within((tx) => approveRelease({ tx, actor, now: stage.now(), what: id }));
    expect(await code(go(one))).toBe('forbidden');
    await desk.heartbeat();
    expect(waived(desk)).toEqual([]);
    await go(other);
    await desk.heartbeat();
    await away.heartbeat();
    expect([waived(desk), waived(away)]).toEqual([['network.dns', 'tls.handshake'], []]);
    expect((await desk.heartbeat()).taken).toEqual([]);
    const shown = await stage.within((tx) =>
      listReleases({ tx, keyring: stage.keyring, actor: one, now: stage.now(), query: { limit: 10, state: 'active' } }),
    );
    expect(shown.items).toMatchObject([{ id, group: berlin, reason: 'wrong policy', state: 'active' }]);
    await stage.within((tx) => endRelease({ tx, actor: other, now: stage.now(), what: id }));
    await desk.heartbeat();
    expect(waived(desk)).toEqual([]);
  });

  it('is for a day at most, and not for the command line alone', async () => {
    expect(await code(request(await admin(), 24 * HOUR_MS + 1))).toBe('bad-request');
    expect(await code(request(stage.operator))).toBe('forbidden');
    expect(await code(request(await supervisor(munich)))).toBe('not-found');
  });
});

describe('a release code', () => {
  it('is the one that the desk reckons', () => {
    const secret = Buffer.from('12345678901234567890123456789012');
    for (const ms of [59_000, 1_111_111_109_000, 1_111_111_111_000, 1_234_567_890_000, 2_000_000_000_000, 20_000_000_000_000]) {
      expect(releaseCodeAt(secret, new Date(ms)).code).toBe(codeAt(secret, stepAt(ms)));
    }
    // RFC 6238, appendix B.
    expect(releaseCodeAt(secret, new Date(59_000))).toEqual({ code: '46119246', validUntil: new Date(60_000) });
  });

  it('is told to who may release this desk', async () => {
    const read = (actor: Actor, id = desk.id) =>
      stage.within((tx) => readReleaseCode(stage.keyring, { tx, actor, now: stage.now(), desk: id }));
    const told = await read(await supervisor(berlin));
    expect(told).toMatchObject({ code: expect.stringMatching(/^\d{8}$/), rule: 'acl.rule4.p1' });
    expect((await read(await admin())).code).toBe(told.code);
    expect(await code(read(await supervisor(munich)))).toBe('not-found');
    expect(await code(read(await admin(['Devices.View'])))).toBe('forbidden');
    expect(await code(read(await admin(), '00000000-0000-4000-8000-000000000001'))).toBe('not-found');
    const gone = await stage.addDesk({ group: berlin });
    await stage.within((tx) => tx.updateTable('device').set({ status: 'retired' }).where('id', '=', gone).execute());
    expect(await code(read(await admin(), gone))).toBe('conflict');
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { AccessControl, Permission } from '../../../contracts/console/access.ts';
import { AuditAnswer, ChangesAnswer } from '../../../contracts/console/audit.ts';
import { NoticesAnswer, Ring, RingMember, RingMembersAnswer, RingsAnswer } from '../../../contracts/console/rings.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { deleteOld } from '../../../fleet/retention/delete-old.ts';
import { type ApiStage, openApiStage } from '../access/api-stage.ts';
import { control, type DeskName, deviceRow, type GroupName, groupId, own } from '../access/example-world.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import type { Reply } from '../running-server.ts';
import type { Person } from '../signed-in.ts';

describeWithDatabase('rollout rings', () => {
  let stage: ApiStage;
  let admin: Person;
  let ring: string;
  let berlin: Person;
  beforeAll(async () => {
    stage = await openApiStage();
    admin = await stage.admin();
    berlin = await lead('Berlin', 'Rings.View', 'Rings.Edit');
  });
  afterAll(async () => {
    expect(stage.server.events.filter(({ event }) => event === 'fault')).toEqual([]);
    await stage.close();
  });
  beforeEach(async () => {
    ring = await addRing(admin, `pilot ${randomUUID()}`);
  });

  const lead = async (group: GroupName, ...more: Permission[]) =>
    stage.person(group, [await stage.addProfile(['Devices.View', ...more], control(own))]);
  const codeOf = ({ status, body }: Reply) => [status, (body as { error?: { code: string } } | undefined)?.error?.code];
  const made = (reply: Reply) => {
    expect([reply.status, reply.text.slice(0, 300)]).toEqual([201, expect.anything()]);
    return reply.body;
  };
  const addRing = async (by: Person, name: string, tags = {}) =>
    Ring.parse(made(await by.ask({ method: 'POST', path: '/api/v1/rings', body: { name, tags } }))).id;
  const attach = (by: Person, desk: DeskName | string, to = ring) =>
    by.ask({ method: 'POST', path: `/api/v1/rings/${to}/members`, body: { desk: stage.desks[desk as DeskName] ?? desk } });
  const attached = async (desk: DeskName) => RingMember.parse(made(await attach(admin, desk))).id;
  const detach = (by: Person, member: string, from = ring) => by.ask({ method: 'DELETE', path: `/api/v1/rings/${from}/members/${member}` });
  const members = async (by: Person, query = '') =>
    RingMembersAnswer.parse((await by.ask({ path: `/api/v1/rings/${ring}/members${query}` })).body);
  const inRing = async () => stage.names((await members(admin)).items.map(({ desk }) => desk?.id ?? ''));
  const notices = async (by: Person, query = '') =>
    NoticesAnswer.parse((await by.ask({ path: `/api/v1/notices${query}` })).body).items.filter((one) => one.ring.id === ring);
  const removals = async () => {
    const query = `action=relation.removed&targetType=ring&targetId=${ring}`;
    return AuditAnswer.parse((await admin.ask({ path: `/api/v1/audit?${query}` })).body).items.map(({ record }) => record);
  };

  it('E29a: only a desk in sight is attached, and an unseen one is answered like one that does not exist', async () => {
    await attached('D5');
    await attached('D7');
    const [unseen, none] = [await attach(berlin, 'D6'), await attach(berlin, randomUUID())];
    expect(codeOf(unseen)).toEqual([404, 'not-found']);
    expect(unseen.text).toBe(none.text);
    expect(await inRing()).toEqual(['D5', 'D7']);
    expect(RingMember.parse(made(await attach(berlin, 'D3')))).toMatchObject({ desk: { id: stage.desks.D3, hostName: 'd3.example.com' } });
    expect(await inRing()).toEqual(['D3', 'D5', 'D7']);
    // Again: it is told of a desk that is seen alone. Of D5, which is in the ring and not seen, no more than that it is not there.
    expect(codeOf(await attach(berlin, 'D3'))).toEqual([409, 'conflict']);
    expect((await attach(berlin, 'D5')).text).toBe(none.text);
  });

  it('E29b: an unseen desk is taken out by an id that tells nothing of it', async () => {
    const d7 = await attached('D7');
    await attached('D3');
    const { items } = await members(berlin);
    expect(items.map(({ desk }) => desk?.hostName ?? null).sort()).toEqual(['d3.example.com', null]);
    const hidden = items.find(({ desk }) => desk === null);
    expect(hidden).toEqual({ id: d7, desk: null });
    const everything = (await berlin.ask({ path: `/api/v1/rings/${ring}/members` })).text;
    expect(everything).not.toMatch(new RegExp(`${stage.desks.D7}|d7\\.example`));
    expect((await detach(berlin, d7)).status).toBe(204);
    expect(await inRing()).toEqual(['D3']);
    expect(codeOf(await detach(berlin, d7))).toEqual([404, 'not-found']);
  });

  it("E29c: the desk's people get a notice, others do not, and the audit names who, the ring and the desk", async () => {
    const [munich, austin, germany] = [await lead('Munich'), await lead('Austin'), await lead('DE')];
    expect((await detach(berlin, await attached('D5'))).status).toBe(204);
    const expected = {
      kind: 'relation-removed',
      desk: { id: stage.desks.D5, hostName: 'd5.example.com' },
      ring: { id: ring, name: expect.stringMatching(/^pilot /) },
      by: berlin.account,
      readAt: null,
    };
    for (const person of [munich, germany, admin]) expect(await notices(person)).toMatchObject([expected]);
    for (const person of [austin, berlin]) expect(await notices(person)).toEqual([]);

    expect(await removals()).toMatchObject([
      {
        actor: { kind: 'account', id: berlin.account, mfa: true },
        targets: [
          { type: 'ring', id: ring },
          { type: 'device', id: stage.desks.D5 },
        ],
      },
    ]);
    const changes = ChangesAnswer.parse((await admin.ask({ path: `/api/v1/desks/${stage.desks.D5}/changes` })).body).items;
    expect(changes.filter(({ action }) => action === 'relation.removed').length).toBeGreaterThan(0);
    const { db } = stage.server.store;
    expect(await verifyAudit(db, stage.server.tenant)).toMatchObject({ broken: null });

    // Rule 10: with the desk the notice goes to other people.
    const move = (group: string | null) => admin.ask({ method: 'PATCH', path: `/api/v1/desks/${stage.desks.D5}`, body: { group } });
    const { effectiveGroup } = (await move(null)).body as { effectiveGroup: string | null };
    expect([effectiveGroup, await notices(munich)]).toEqual([null, []]);
    expect(await notices(admin)).toHaveLength(1);
  });

  it('a notice is marked as read by each for themselves, and by nobody who may not see it', async () => {
    const [munich, other, austin] = [await lead('Munich'), await lead('DE'), await lead('Austin')];
    await admin.ask({ method: 'PATCH', path: `/api/v1/desks/${stage.desks.D5}`, body: { group: groupId('Munich') } });
    await detach(berlin, await attached('D5'));
    const [{ id } = { id: '' }] = await notices(munich);
    const read = (by: Person, notice: string) => by.ask({ method: 'PUT', path: `/api/v1/notices/${notice}/read` });
    const [unseen, none] = [await read(austin, id), await read(austin, randomUUID())];
    expect([unseen.status, unseen.text]).toEqual([404, none.text]);
    expect(await notices(munich, '?unread=1')).toHaveLength(1);
    expect((await read(munich, id)).status).toBe(204);
    const [marked] = await notices(munich);
    expect(marked?.readAt).not.toBeNull();
    expect((await read(munich, id)).status).toBe(204);
    expect((await notices(munich))[0]?.readAt).toBe(marked?.readAt);
    expect(await notices(munich, '?unread=1')).toEqual([]);
    expect(await notices(other, '?unread=1')).toHaveLength(1);
  });

  it('to delete a ring is to take each of its desks out', async () => {
    for (const desk of ['D2', 'D5', 'D7'] as const) await attached(desk);
    expect((await berlin.ask({ method: 'DELETE', path: `/api/v1/rings/${ring}` })).status).toBe(204);
    expect(codeOf(await admin.ask({ path: `/api/v1/rings/${ring}` }))).toEqual([404, 'not-found']);
    const desksOf = (ids: readonly string[]) => stage.names(ids);
    expect(desksOf((await notices(admin)).map(({ desk }) => desk.id))).toEqual(['D2', 'D5', 'D7']);
    // D2 is in sight of whoever did it: what they did themselves is no news.
    expect(await notices(berlin)).toEqual([]);
    expect(desksOf((await notices(await lead('Austin'))).map(({ desk }) => desk.id))).toEqual(['D7']);
    expect((await removals()).flatMap(({ targets }) => stage.names(targets.map(({ id }) => id))).sort()).toEqual(['D2', 'D5', 'D7']);
  });

  it('names are apart, lists go page by page, and a ring keeps its desks when it is renamed', async () => {
    for (const desk of ['D1', 'D2', 'D3'] as const) await attached(desk);
    const change = (body: object) => admin.ask({ method: 'PATCH', path: `/api/v1/rings/${ring}`, body });
    const name = `early ${randomUUID()}`;
    expect((await change({ name })).body).toEqual({ id: ring, name, tags: {} });
    expect(codeOf(await admin.ask({ method: 'POST', path: '/api/v1/rings', body: { name } }))).toEqual([409, 'conflict']);
    expect(codeOf(await change({}))).toEqual([400, 'bad-request']);
    const first = await members(admin, '?limit=2');
    const second = await members(admin, `?limit=2&after=${first.next}`);
    expect([first.items.length, second.items.length, second.next]).toEqual([2, 1, null]);
    expect(stage.names([...first.items, ...second.items].map(({ desk }) => desk?.id ?? ''))).toEqual(['D1', 'D2', 'D3']);
    const all: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page = RingsAnswer.parse((await admin.ask({ path: `/api/v1/rings?limit=2${after && `&after=${after}`}` })).body);
      all.push(...page.items.map(({ id }) => id));
      after = page.next;
    }
    expect(all).toContain(ring);
    expect(new Set(all).size).toBe(all.length);
  });

  it('whoever is restricted on rings by tags sees and makes those alone, and whoever lacks a permission none', async () => {
    const byTag: AccessControl = { ...control(null), tags: { Stage: 'early' }, tagRestrictedResources: ['Ring'] };
    const tagged = await stage.person('Berlin', [await stage.addProfile(['Devices.View', 'Rings.View', 'Rings.Edit'], byTag)]);
    const mine = await addRing(tagged, `mine ${randomUUID()}`, { Stage: 'early' });
    expect(RingsAnswer.parse((await tagged.ask({ path: '/api/v1/rings' })).body).items.map(({ id }) => id)).toEqual([mine]);
    const none = randomUUID();
    for (const [method, suffix, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '', undefined],
      ['GET', '/members', undefined],
      ['POST', '/members', { desk: stage.desks.D1 }],
      ['DELETE', `/members/${randomUUID()}`, undefined],
    ] as const) {
      const [unseen, missing] = [
        await tagged.ask({ method, path: `/api/v1/rings/${ring}${suffix}`, body }),
        await tagged.ask({ method, path: `/api/v1/rings/${none}${suffix}`, body }),
      ];
      expect([method, suffix, unseen.status, unseen.text]).toEqual([method, suffix, 404, missing.text]);
    }
    const retag = { method: 'PATCH', path: `/api/v1/rings/${mine}`, body: { tags: { Stage: 'late' } } };
    expect(codeOf(await tagged.ask(retag))).toEqual([403, 'outside-scope']);
    const viewer = await lead('Berlin', 'Rings.View');
    expect(codeOf(await attach(viewer, 'D1'))).toEqual([403, 'forbidden']);
    expect(codeOf(await viewer.ask({ method: 'DELETE', path: `/api/v1/rings/${ring}` }))).toEqual([403, 'forbidden']);
    expect(codeOf(await (await lead('Berlin')).ask({ path: '/api/v1/rings' }))).toEqual([403, 'forbidden']);
    // Without desks in sight nothing can be put into a ring.
    const blind = await stage.person('Berlin', [await stage.addProfile(['Rings.View', 'Rings.Edit'])]);
    expect(codeOf(await attach(blind, 'D1'))).toEqual([403, 'forbidden']);
  });

  it('is taken by one at a time: of two who put in the same desk, one; of two who take it out, one', async () => {
    const attaching = await Promise.all([attach(admin, 'D1'), attach(berlin, 'D1'), attach(admin, 'D1')]);
    expect(attaching.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const [{ id } = { id: '' }] = (await members(admin)).items;
    const detaching = await Promise.all([detach(admin, id), detach(berlin, id), detach(admin, id)]);
    expect(detaching.map(({ status }) => status).sort()).toEqual([204, 404, 404]);
    expect(await removals()).toHaveLength(1);
  });

  it('shows nothing of it to another tenant', async () => {
    const { db } = stage.server.store;
    await attached('D1');
    const foreign = await addTenant(db);
    const seen = await db.within(foreign, async (tx) => [
      await tx.selectFrom('ring').select('id').execute(),
      await tx.selectFrom('ring_member').select('id').execute(),
      await tx.selectFrom('notice').select('id').execute(),
    ]);
    expect(seen).toEqual([[], [], []]);
  });

  it('notices go with the history that the tenant keeps', async () => {
    const { db } = stage.server.store;
    await detach(admin, await attached('D1'));
    const deletedBefore = (daysAhead: number) =>
      deleteOld(db, stage.server.tenant, 'notice', new Date(Date.now() + daysAhead * 86_400_000), undefined);
    expect(await deletedBefore(-1)).toBe(0);
    expect(await notices(berlin)).toHaveLength(1);
    expect(await deletedBefore(1)).toBeGreaterThan(0);
    expect(await notices(berlin)).toEqual([]);
  });

  // Last: these desks have names that nobody can read.
  it('every desk of a ring of many is in the audit', async () => {
    const { db } = stage.server.store;
    const { tenant, instance } = stage.server;
    const rows = Array.from({ length: 1_100 }, () => deviceRow({ tenant, instance, id: randomUUID(), group: null, tags: {} }));
    await db.within({ tenant }, async (tx) => {
      await tx.insertInto('device').values(rows).execute();
      const ids = { tenant_id: tenant, instance_id: instance, ring_id: ring };
      await tx
        .insertInto('ring_member')
        .values(rows.map((row) => ({ ...ids, id: randomUUID(), device_id: row.id })))
        .execute();
    });
    expect((await admin.ask({ method: 'DELETE', path: `/api/v1/rings/${ring}` })).status).toBe(204);
    const named = (await removals()).flatMap(({ targets }) => targets).filter(({ type }) => type === 'device');
    expect(named.map(({ id }) => id).sort()).toEqual(rows.map(({ id }) => id).sort());
  });
});

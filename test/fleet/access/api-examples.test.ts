import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import { AccountsAnswer, ProfileAnswer } from '../../../contracts/console/access-calls.ts';
import { ChangesAnswer } from '../../../contracts/console/audit.ts';
import { DesksAnswer, FloorAnswer } from '../../../contracts/console/desks.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { policyText } from '../documents/open-stage.ts';
import type { Reply } from '../running-server.ts';
import type { Person } from '../signed-in.ts';
import { type ApiStage, openApiStage } from './api-stage.ts';
import { control, type DeskName, groupId, own } from './example-world.ts';

// The worked examples that say what somebody sees and gets told, by the shipped server.
describeWithDatabase('the worked examples through the API', () => {
  let stage: ApiStage;
  let admin: Person;
  beforeAll(async () => {
    stage = await openApiStage();
    admin = await stage.admin();
  });
  afterAll(async () => {
    expect(stage.server.events.filter(({ event }) => event === 'fault')).toEqual([]);
    await stage.close();
  });

  /** Of Berlin, and restricted to it. */
  const lead = async (...more: Permission[]) =>
    stage.person('Berlin', [await stage.addProfile(['Devices.View', 'Devices.Edit', 'LiveBoard.Access', ...more], control(own))]);
  const codeOf = ({ status, body }: Reply) => [status, (body as { error?: { code: string } } | undefined)?.error?.code];
  const seenBy = async (person: Person): Promise<DeskName[]> => {
    const { items } = DesksAnswer.parse((await person.ask({ path: '/api/v1/desks' })).body);
    return stage.names(items.map(({ id }) => id));
  };
  const patch = (person: Person, desk: DeskName, body: object) =>
    person.ask({ method: 'PATCH', path: `/api/v1/desks/${stage.desks[desk]}`, body });

  it('E28: the history of a desk is closed to whoever is restricted on desks, that of a policy is not', async () => {
    expect((await patch(admin, 'D1', { tags: { Dept: 'Claims', Mode: 'Office' } })).status).toBe(200);
    const changes = `/api/v1/desks/${stage.desks.D1}/changes`;
    const restricted = await lead('ChangeHistory.View', 'Policies.View');
    expect(codeOf(await restricted.ask({ path: changes }))).toEqual([403, 'history-restricted']);
    expect(codeOf(await restricted.ask({ path: `/api/v1/desks/${stage.desks.D5}/changes` }))).toEqual([404, 'not-found']);
    const source = policyText('floor');
    const policies = `/api/v1/instances/${stage.server.instance}/policies`;
    expect((await admin.ask({ method: 'PUT', path: `${policies}/floor`, body: { source } })).status).toBe(200);
    const ofPolicy = ChangesAnswer.parse((await restricted.ask({ path: '/api/v1/policies/floor/changes' })).body);
    expect(ofPolicy.items.map(({ action }) => action)).toEqual(['PUT /api/v1/instances/:instance/policies/:policy']);
    // E17: a second profile that sees every desk.
    const open = await stage.person('Berlin', [
      await stage.addProfile(['Devices.View'], control(own)),
      await stage.addProfile(['Devices.View', 'ChangeHistory.View']),
    ]);
    const { items } = ChangesAnswer.parse((await open.ask({ path: changes })).body);
    expect(items).toMatchObject([{ action: 'PATCH /api/v1/desks/:id', actor: { kind: 'account', id: admin.account } }]);
    expect(items[0]?.change).toMatchObject({ beforeHash: expect.any(String), afterHash: expect.any(String) });
  });

  it('E30: a profile that would see more than its maker is refused, a narrower one is made', async () => {
    const maker = await lead('SecurityProfiles.Create');
    const make = (accessControl: object | null) =>
      maker.ask({ method: 'POST', path: '/api/v1/profiles', body: { name: randomUUID(), permissions: ['Devices.View'], accessControl } });
    expect(codeOf(await make(null))).toEqual([403, 'boundary-exceeded']);
    expect((await make(control(own, { Dept: 'Claims' }))).status).toBe(201);
  });

  it('E31: an unsafe module is warned of, refused in strict mode, and lists only whom its reader sees', async () => {
    const body = () => ({ name: randomUUID(), permissions: ['Devices.View', 'AlertRules.View'], accessControl: control(own) });
    const saved = await admin.ask({ method: 'POST', path: '/api/v1/profiles', body: body() });
    expect(ProfileAnswer.parse(saved.body).warnings).toEqual([{ code: 'unsafe-module', permission: 'AlertRules.View' }]);
    const others = { guardrails: [], maxGranularProfiles: 2, publishTwoPerson: false, allowlistApproval: 'manual' };
    const settings = (profileLint: 'warn' | 'strict') =>
      admin.ask({ method: 'PUT', path: '/api/v1/access-settings', body: { ...others, profileLint } });
    expect((await settings('strict')).status).toBe(200);
    expect(codeOf(await admin.ask({ method: 'POST', path: '/api/v1/profiles', body: body() }))).toEqual([422, 'profile-refused']);
    expect((await settings('warn')).status).toBe(200);

    const people = {
      berlin: await stage.person('Berlin', []),
      team: await stage.person('TeamA', []),
      munich: await stage.person('Munich', []),
      nowhere: await stage.person(null, []),
    };
    const both = control(own, {}, ['Device', 'User']);
    const picker = await stage.person('Berlin', [await stage.addProfile(['Devices.View', 'Users.View', 'AlertRules.View'], both)]);
    const listed = AccountsAnswer.parse((await picker.ask({ path: '/api/v1/accounts?limit=200' })).body).items;
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining([people.berlin.account, people.team.account, picker.account]));
    const below = ['Berlin', 'Claims', 'TeamA', 'Sales'] as const;
    expect(listed.filter(({ group }) => !below.some((name) => groupId(name) === group))).toEqual([]);
    const byName = async (name: string) =>
      AccountsAnswer.parse((await picker.ask({ path: `/api/v1/accounts?name=${name}` })).body).items.length;
    expect([await byName(people.team.name), await byName(people.munich.name), await byName(people.nowhere.name)]).toEqual([1, 0, 0]);
    const [unseen, none] = [people.munich.account, randomUUID()].map((id) => picker.ask({ path: `/api/v1/accounts/${id}` }));
    expect([(await unseen)?.status, (await unseen)?.text]).toEqual([404, (await none)?.text]);
  });

  it('E32: a desk that moves away is gone at the next call: from the list, by its id, and with what it told', async () => {
    const berlin = await lead();
    expect(await seenBy(berlin)).toEqual(['D1', 'D2', 'D3', 'D4']);
    const paths = [`/api/v1/desks/${stage.desks.D2}`, `/api/v1/desks/${stage.desks.D2}/timeline`];
    for (const path of paths) expect([path, (await berlin.ask({ path })).status]).toEqual([path, 200]);
    expect((await patch(admin, 'D2', { group: groupId('Munich') })).status).toBe(200);
    expect(await seenBy(berlin)).toEqual(['D1', 'D3', 'D4']);
    for (const path of paths) {
      const [gone, none] = [await berlin.ask({ path }), await berlin.ask({ path: path.replace(stage.desks.D2, randomUUID()) })];
      expect([path, gone.status, gone.text]).toEqual([path, 404, none.text]);
    }
    // Back by its whole group, which moves.
    expect((await patch(admin, 'D2', { group: groupId('Claims') })).status).toBe(200);
    const move = (parent: 'Munich' | 'Berlin') =>
      admin.ask({ method: 'PATCH', path: `/api/v1/groups/${groupId('Claims')}`, body: { parent: groupId(parent) } });
    expect((await move('Munich')).status).toBe(200);
    expect(await seenBy(berlin)).toEqual(['D3', 'D4']);
    for (const path of paths) expect([path, (await berlin.ask({ path })).status]).toEqual([path, 404]);
    expect((await move('Berlin')).status).toBe(200);
    expect(await seenBy(berlin)).toEqual(['D1', 'D2', 'D3', 'D4']);
  });

  it('E33: the export has the rows that are seen, the floor counts them, and no header tells how many there are', async () => {
    const berlin = await lead();
    const csv = await berlin.ask({ path: '/api/v1/desks.csv' });
    expect([csv.status, csv.headers['content-type'], csv.headers['content-length']]).toEqual([200, 'text/csv; charset=utf-8', undefined]);
    const [title = '', ...rows] = csv.text.trimEnd().split('\r\n');
    expect(title).toMatch(/^"id","host name",/);
    expect(stage.names(rows.map((row) => row.slice(1, 37)))).toEqual(['D1', 'D2', 'D3', 'D4']);
    expect(rows).toHaveLength(4);
    const floor = FloorAnswer.parse((await berlin.ask({ path: '/api/v1/floor' })).body);
    const count = (counts: Record<string, number>) => Object.values(counts).reduce((sum, one) => sum + one, 0);
    expect([count(floor.total), count(floor.ungrouped)]).toEqual([4, 0]);
    // Groups above have what is seen below them, and no more.
    expect(floor.groups.find(({ id }) => id === groupId('EMEA'))?.counts).toEqual(floor.total);
    expect(floor.groups.map(({ name }) => name).sort()).toEqual(['Berlin', 'Claims', 'DE', 'EMEA', 'Sales', 'TeamA']);

    // With all desks and with four the headers are the same, but for when and in which call.
    const all = await admin.ask({ path: '/api/v1/desks.csv' });
    expect(all.text.trimEnd().split('\r\n')).toHaveLength(12);
    const still = ({ headers: { date: _, 'x-request-id': __, ...rest } }: Reply) => rest;
    expect(still(all)).toEqual(still(csv));
  });

  it.each([
    ['E34', 'its group', 'D3', { group: 'Munich' }],
    ['E34', 'its group, to none', 'D3', { group: null }],
  ] as const)('%s: a desk is not moved out of reach by %s', async (_id, _what, desk, { group }) => {
    const berlin = await lead();
    expect(codeOf(await patch(berlin, desk, { group: group && groupId(group) }))).toEqual([403, 'outside-scope']);
    expect(await seenBy(berlin)).toContain(desk);
    expect((await patch(berlin, desk, { group: groupId('Sales') })).status).toBe(200);
  });

  it('E35: nor by the tag that it is seen by', async () => {
    const byTag = await stage.person('Berlin', [
      await stage.addProfile(['Devices.View', 'Devices.Edit'], control(null, { Dept: 'Claims' })),
    ]);
    expect(await seenBy(byTag)).toEqual(['D1', 'D2', 'D5', 'D6', 'D7', 'D9', 'D11']);
    expect(codeOf(await patch(byTag, 'D5', { tags: { Mode: 'Remote' } }))).toEqual([403, 'outside-scope']);
    expect(codeOf(await patch(byTag, 'D5', { tags: { Dept: 'claims' } }))).toEqual([403, 'outside-scope']);
    expect((await patch(byTag, 'D5', { tags: { Dept: 'Claims', Mode: 'Remote' } })).status).toBe(200);
    expect(await seenBy(byTag)).toContain('D5');
  });
});

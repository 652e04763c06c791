import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import type { ChangeDeskRequest } from '../../../contracts/console/access-calls.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
import { changeDesk } from '../../../fleet/access/desk-placement.ts';
import { deviceFilter } from '../../../fleet/access/filter.ts';
import { addGroup, changeGroup, deleteGroup, listGroups } from '../../../fleet/access/hierarchy.ts';
import { previewDesks } from '../../../fleet/access/visible-desks.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openAccessStage, type Stage } from './access-stage.ts';
import { control, type DeskName, deskNames, groupId, groupOf, own } from './example-world.ts';

describeWithDatabase('where desks and groups are', () => {
  let stage: Stage;
  let e3: Actor;
  let e9: Actor;
  beforeAll(async () => {
    stage = await openAccessStage();
    const editing: readonly Permission[] = ['Devices.View', 'Devices.Edit'];
    e3 = await actorWith(groupId('Berlin'), [await stage.addProfile(editing, control(own))]);
    e9 = await actorWith(groupId('Berlin'), [await stage.addProfile(editing, control(null, { Dept: 'Claims' }))]);
  });
  afterAll(() => stage.close());

  const actorWith = async (group: string | null, profiles: readonly string[]) => stage.actor((await stage.addAccount(group, profiles)).id);
  const change = (actor: Actor, desk: string, wanted: ChangeDeskRequest) => stage.refusal((tx) => changeDesk(tx, actor, desk, wanted));
  const seenBy = async (account: string) => {
    const actor = await stage.actor(account);
    const rows = await stage.within((tx) => tx.selectFrom('device').select('id').where(deviceFilter(actor, 'Devices.View')).execute());
    return deskNames.filter((name) => rows.some(({ id }) => id === stage.desks[name]));
  };

  it('E34: a desk is not moved out of reach, nor is one taken that is not seen', async () => {
    expect({
      'D3 to Munich': await change(e3, stage.desks.D3, { group: groupId('Munich') }),
      'D3 to no group': await change(e3, stage.desks.D3, { group: null }),
      'D3 to a group that is not': await change(e3, stage.desks.D3, { group: randomUUID() }),
      'D3 to Claims': await change(e3, stage.desks.D3, { group: groupId('Claims') }),
      'D3 and back': await change(e3, stage.desks.D3, { group: groupId('Sales') }),
      'D5 to Berlin': await change(e3, stage.desks.D5, { group: groupId('Berlin') }),
      'no desk': await change(e3, randomUUID(), { group: groupId('Berlin') }),
    }).toEqual({
      'D3 to Munich': 'outside-scope',
      'D3 to no group': 'outside-scope',
      'D3 to a group that is not': 'outside-scope',
      'D3 to Claims': 'allowed',
      'D3 and back': 'allowed',
      'D5 to Berlin': 'not-found',
      'no desk': 'not-found',
    });
  });

  it('E35: a tag that makes a desk visible is not taken from it', async () => {
    expect({
      'Dept of D5 away': await change(e9, stage.desks.D5, { tags: { Mode: 'Remote' } }),
      'Dept of D5 in other case': await change(e9, stage.desks.D5, { tags: { Dept: 'claims' } }),
      'Mode of D5 away': await change(e9, stage.desks.D5, { tags: { Dept: 'Claims' } }),
    }).toEqual({ 'Dept of D5 away': 'outside-scope', 'Dept of D5 in other case': 'outside-scope', 'Mode of D5 away': 'allowed' });
  });

  it('rule 8: a desk that is seen and may not be edited is told apart from one that is not seen', async () => {
    const viewer = await actorWith(groupId('Berlin'), [await stage.addProfile(['Devices.View'], control(own))]);
    expect([await change(viewer, stage.desks.D1, { tags: {} }), await change(viewer, stage.desks.D5, { tags: {} })]).toEqual([
      'forbidden',
      'not-found',
    ]);
  });

  it("S4-05: of an owned desk the owner's group counts, even where the owner has none", async () => {
    const [munich, nowhere] = [await stage.addAccount(groupId('Munich'), []), await stage.addAccount(null, [])];
    const places = [];
    for (const owner of [munich.id, nowhere.id]) {
      const { after } = await stage.within((tx) => changeDesk(tx, stage.operator, stage.desks.D4, { owner }));
      places.push([after.effectiveGroup, await seenBy(e3.account)]);
    }
    expect(places).toEqual([
      [groupId('Munich'), ['D1', 'D2', 'D3']],
      [null, ['D1', 'D2', 'D3']],
    ]);
    expect(await change(stage.operator, stage.desks.D4, { owner: randomUUID() })).toBe('bad-request');
    // An owner whom the actor does not see is no owner that the actor can name.
    const open = await actorWith(null, [await stage.addProfile(['Devices.Edit'])]);
    expect(await change(open, stage.desks.D4, { owner: munich.id })).toBe('bad-request');
    await stage.within((tx) => changeDesk(tx, stage.operator, stage.desks.D4, { owner: null }));
    expect(await seenBy(e3.account)).toEqual(['D1', 'D2', 'D3', 'D4']);
  });

  it('E32: what moves is gone at the next call, and so is what a moved group held', async () => {
    await stage.within((tx) => changeDesk(tx, stage.operator, stage.desks.D2, { group: groupId('Munich') }));
    expect(await seenBy(e3.account)).toEqual(['D1', 'D3', 'D4']);
    await stage.within((tx) => changeDesk(tx, stage.operator, stage.desks.D2, { group: groupId('Claims') }));
    const { after } = await stage.within((tx) => changeGroup(tx, stage.operator, groupId('Claims'), { parent: groupId('Munich') }));
    expect(after.path).toEqual([groupId('EMEA'), groupId('DE'), groupId('Munich'), groupId('Claims')]);
    expect(await seenBy(e3.account)).toEqual(['D3', 'D4']);
    await stage.within((tx) => changeGroup(tx, stage.operator, groupId('Claims'), { parent: groupId('Berlin') }));
    const rows = await stage.within((tx) =>
      tx.selectFrom('hierarchy_group').select(['path', 'level']).where('id', '=', groupId('TeamA')).execute(),
    );
    expect(rows).toEqual([{ path: groupOf('TeamA').path, level: 5 }]);
  });

  it('E33: a count is one of visible desks', async () => {
    const actor = await stage.actor(e3.account);
    const { count } = await stage.within((tx) =>
      tx
        .selectFrom('device')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where(deviceFilter(actor, 'Devices.View'))
        .executeTakeFirstOrThrow(),
    );
    expect(count).toBe(4);
  });

  it('S4-18: shows what another account sees and why, of what the asker sees', async () => {
    const other = await stage.addAccount(groupId('DE'), [await stage.addProfile(['Devices.View'], control(own))]);
    const preview = async (actor: Actor) =>
      (await stage.within((tx) => previewDesks(tx, actor, other.id, { limit: 50 }))).page.items
        .map(({ id, rule }) => [deskNames.find((name) => stage.desks[name] === id), rule])
        .sort();
    const rule = 'acl.rule4.p1';
    const shown = (names: readonly DeskName[]) => [...names].sort().map((name) => [name, rule]);
    expect(await preview(stage.operator)).toEqual(shown(['D1', 'D2', 'D3', 'D4', 'D5', 'D10']));
    const asker = await actorWith(groupId('Berlin'), [
      await stage.addProfile(['Devices.View'], control(own)),
      await stage.addProfile(['Users.View']),
    ]);
    expect(await preview(asker)).toEqual(shown(['D1', 'D2', 'D3', 'D4']));
  });

  it('keeps the tree a tree of five levels, names apart among siblings, and groups that are in use', async () => {
    const asked = (work: Parameters<Stage['refusal']>[0]) => stage.refusal(work);
    const { operator } = stage;
    const made = await stage.within((tx) => addGroup(tx, operator, { name: 'Hamburg', parent: groupId('DE') }));
    expect({
      'below itself': await asked((tx) => changeGroup(tx, operator, groupId('DE'), { parent: groupId('Berlin') })),
      'a sixth level': await asked((tx) => addGroup(tx, operator, { name: 'Deep', parent: groupId('TeamA') })),
      'moved to a sixth level': await asked((tx) => changeGroup(tx, operator, groupId('DE'), { parent: groupId('FR') })),
      'a name twice': await asked((tx) => addGroup(tx, operator, { name: 'Berlin', parent: groupId('DE') })),
      'a name twice at the root': await asked((tx) => addGroup(tx, operator, { name: 'EMEA', parent: null })),
      'the same name elsewhere': await asked((tx) => addGroup(tx, operator, { name: 'Berlin', parent: groupId('FR') })),
      'no such parent': await asked((tx) => addGroup(tx, operator, { name: 'Lost', parent: randomUUID() })),
      'deleted with groups in it': await asked((tx) => deleteGroup(tx, operator, groupId('US'))),
      'deleted with desks in it': await asked((tx) => deleteGroup(tx, operator, groupId('Austin'))),
      'deleted when empty': await asked((tx) => deleteGroup(tx, operator, made.after.id)),
      'deleted again': await asked((tx) => deleteGroup(tx, operator, made.after.id)),
    }).toEqual({
      'below itself': 'conflict',
      'a sixth level': 'conflict',
      'moved to a sixth level': 'conflict',
      'a name twice': 'conflict',
      'a name twice at the root': 'conflict',
      'the same name elsewhere': 'allowed',
      'no such parent': 'bad-request',
      'deleted with groups in it': 'conflict',
      'deleted with desks in it': 'conflict',
      'deleted when empty': 'allowed',
      'deleted again': 'not-found',
    });
  });

  it('whoever is restricted to a group sees and arranges the groups below it alone', async () => {
    const actor = await actorWith(groupId('Berlin'), [
      await stage.addProfile(['Devices.View'], control(own)),
      await stage.addProfile(['Hierarchy.Edit']),
    ]);
    const { page } = await stage.within((tx) => listGroups(tx, actor, { limit: 200 }));
    expect(page.items.map(({ name }) => name).sort()).toEqual(['Berlin', 'Claims', 'Sales', 'TeamA']);
    const move = (group: string, parent: string) => stage.refusal((tx) => changeGroup(tx, actor, group, { parent }));
    expect([await move(groupId('FR'), groupId('Berlin')), await move(groupId('Sales'), groupId('FR'))]).toEqual([
      'not-found',
      'bad-request',
    ]);
    expect(await move(groupId('Sales'), groupId('Claims'))).toBe('allowed');
  });
});

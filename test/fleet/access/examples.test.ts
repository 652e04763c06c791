import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
import { historyClosed, may, mayChange } from '../../../fleet/access/decide.ts';
import { deviceFilter } from '../../../fleet/access/filter.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { actorIn, control, type DeskName, deskNames, deskResource, groupId, named, own, profile, storeExample } from './example-world.ts';

// Requirements section 3.3, by the decision and by the SQL.

const all = deskNames;
const berlin: readonly DeskName[] = ['D1', 'D2', 'D3', 'D4'];
const view = (accessControl: Parameters<typeof profile>[0]) => profile(accessControl);

interface Example {
  id: string;
  actor: () => Actor;
  permission?: Permission;
  sees: readonly DeskName[];
}

const examples: readonly Example[] = [
  { id: 'E1', actor: () => actorIn('Berlin', []), sees: [] },
  { id: 'E2', actor: () => actorIn('Berlin', [view(null)]), sees: all },
  { id: 'E3', actor: () => actorIn('Berlin', [view(control(own))]), sees: berlin },
  { id: 'E4', actor: () => actorIn('DE', [view(control(own))]), sees: [...berlin, 'D5', 'D10'] },
  { id: 'E5', actor: () => actorIn('TeamA', [view(control(own))]), sees: ['D1'] },
  { id: 'E6', actor: () => actorIn(null, [view(control(own))]), sees: [] },
  { id: 'E7', actor: () => actorIn('US', [view(control(named('EMEA')))]), sees: [...berlin, 'D5', 'D6', 'D10', 'D11'] },
  { id: 'E8', actor: () => actorIn('DE', [view(control(named('deleted')))]), sees: [] },
  {
    id: 'E9',
    actor: () => actorIn('Berlin', [view(control(null, { Dept: 'Claims' }))]),
    sees: ['D1', 'D2', 'D5', 'D6', 'D7', 'D9', 'D11'],
  },
  { id: 'E10', actor: () => actorIn('Berlin', [view(control(null, { Dept: 'Claims', Mode: 'Remote' }))]), sees: ['D2', 'D5', 'D7'] },
  { id: 'E11', actor: () => actorIn('Berlin', [view(control(null, { Dept: '' }))]), sees: ['D10'] },
  { id: 'E12', actor: () => actorIn('Berlin', [view(control(null, { Dept: 'Sales' }))]), sees: ['D3'] },
  { id: 'E13', actor: () => actorIn('Berlin', [view(control(null, { Mode: '*' }))]), sees: ['D11'] },
  { id: 'E14', actor: () => actorIn('Berlin', [view(control(own, { Dept: 'Claims' }))]), sees: ['D1', 'D2'] },
  {
    id: 'E15',
    actor: () => actorIn('Berlin', [view(control(own)), view(control(null, { Dept: 'Claims' }))]),
    sees: [...berlin, 'D5', 'D6', 'D7', 'D9', 'D11'],
  },
  {
    id: 'E16',
    actor: () => actorIn('Berlin', [view(control(named('DE'), { Mode: 'Remote' })), view(control(named('FR'), { Mode: 'Office' }))]),
    sees: ['D2', 'D5', 'D6'],
  },
  { id: 'E17', actor: () => actorIn('Berlin', [view(control(own)), view(null)]), sees: all },
  { id: 'E18 View', actor: e18, sees: all },
  { id: 'E18 Edit', actor: e18, permission: 'Devices.Edit', sees: berlin },
  { id: 'E19', actor: () => actorIn('Berlin', [view(control(own)), profile(null, ['Policies.View'])]), sees: berlin },
  { id: 'E20 View', actor: e20, sees: [] },
  { id: 'E20 Edit', actor: e20, permission: 'Devices.Edit', sees: [] },
  { id: 'E21', actor: () => actorIn('Berlin', [view(control(named('FR'))), view(control(named('AMER')))]), sees: ['D6', 'D7', 'D8'] },
  { id: 'E22', actor: () => actorIn('Berlin', [view(control(own, {}, ['User']))]), sees: all },
  {
    id: 'E23',
    actor: () => actorIn('DE', [view({ ...control(own), tags: { Dept: 'Sales' }, tagRestrictedResources: ['User'] })]),
    sees: [...berlin, 'D5', 'D10'],
  },
  { id: 'E24', actor: () => actorIn(null, [view(null)], { conditions: [{ level: 3, group: groupId('Berlin') }] }), sees: berlin },
  { id: 'E25', actor: () => actorIn(null, [view(null)], { conditions: [{ level: 3, group: groupId('DE') }] }), sees: [] },
  { id: 'an operator', actor: () => actorIn(null, [], { kind: 'operator' }), sees: all },
  {
    id: 'a guardrail before all grants',
    actor: () => actorIn('Berlin', [view(null)], { guardrails: [{ name: 'NoDesks', deny: ['Devices.View'], reason: 'test' }] }),
    sees: [],
  },
];

function e18(): Actor {
  return actorIn('Berlin', [profile(control(own), ['Devices.View', 'Devices.Edit']), view(null)]);
}
function e20(): Actor {
  return actorIn('Berlin', [profile(control(own), ['Devices.Edit'])]);
}

describe('examples by the decision', () => {
  it.each(examples)('$id', ({ actor, permission = 'Devices.View', sees }) => {
    const asked = actor();
    expect(deskNames.filter((name) => may(asked, permission, deskResource(name)).allowed)).toEqual(inOrder(sees));
  });

  it('names the rule that decided', () => {
    const rules = (actor: Actor, permission: Permission = 'Devices.View') =>
      (['D1', 'D6'] as const).map((name) => may(actor, permission, deskResource(name)).rule);
    expect({
      E1: rules(actorIn('Berlin', [])),
      E15: rules(actorIn('Berlin', [view(control(own)), view(control(null, { Dept: 'Claims' }))])),
      E17: rules(actorIn('Berlin', [view(control(own)), view(null)])),
      E18: rules(e18(), 'Devices.Edit'),
      guardrail: rules(actorIn('Berlin', [view(null)], { guardrails: [{ name: 'NoDesks', deny: ['Devices.View'], reason: 'test' }] })),
      E25: rules(actorIn(null, [view(null)], { conditions: [{ level: 3, group: groupId('DE') }] })),
    }).toEqual({
      E1: ['acl.rule2', 'acl.rule2'],
      E15: ['acl.rule4.p1', 'acl.rule4.p2'],
      E17: ['acl.rule3.p2', 'acl.rule3.p2'],
      E18: ['acl.rule4.p1', 'acl.rule4'],
      guardrail: ['acl.rule1.NoDesks', 'acl.rule1.NoDesks'],
      E25: ['acl.conditions', 'acl.conditions'],
    });
  });

  it('rule 8: what is not seen is told apart from what is seen and may not be touched', () => {
    const actor = actorIn('Berlin', [profile(control(own), ['Devices.View'])]);
    expect(may(actor, 'Devices.Edit', deskResource('D1'))).toMatchObject({ allowed: false, seen: true });
    expect(may(actor, 'Devices.Edit', deskResource('D5'))).toMatchObject({ allowed: false, seen: false });
  });

  it('S4-08: a token bound to a group reaches nothing that has no group', () => {
    const token = actorIn(null, [profile(null, ['Audit.View', 'Devices.View'])], { conditions: [{ level: 1, group: groupId('EMEA') }] });
    expect([may(token, 'Audit.View', null).allowed, may(token, 'Devices.View', null).allowed]).toEqual([false, true]);
  });

  it('E28 closes the history of a restricted type, of what is in scope too', () => {
    const restricted = actorIn('Berlin', [profile(control(own), ['Devices.View', 'ChangeHistory.View', 'Policies.View'])]);
    expect([historyClosed(restricted, 'Device'), historyClosed(restricted, 'Policy')]).toEqual([true, false]);
    expect(historyClosed(actorIn('Berlin', [view(control(own)), view(null)]), 'Device')).toBe(false);
  });

  it('E34 and E35: not out of reach, neither by group nor by tag; nor into reach what was outside', () => {
    const e3 = actorIn('Berlin', [profile(control(own), ['Devices.View', 'Devices.Edit'])]);
    const e9 = actorIn('Berlin', [profile(control(null, { Dept: 'Claims' }), ['Devices.View', 'Devices.Edit'])]);
    const d3 = deskResource('D3');
    const d5 = deskResource('D5');
    const outside = { allowed: false, seen: true, outside: true };
    expect(mayChange(e3, 'Devices.Edit', d3, { ...d3, groupPath: d5.groupPath })).toMatchObject(outside);
    expect(mayChange(e3, 'Devices.Edit', d3, { ...d3, groupPath: deskResource('D1').groupPath })).toMatchObject({ allowed: true });
    expect(mayChange(e9, 'Devices.Edit', d5, { ...d5, tags: { Mode: 'Remote' } })).toMatchObject(outside);
    expect(mayChange(e3, 'Devices.Edit', d5, d3)).toMatchObject({ allowed: false, seen: false, outside: false });
  });
});

describeWithDatabase('examples by the SQL', () => {
  let database: TestDatabase;
  let tenant: string;
  let nameOf: Map<string, DeskName>;
  beforeAll(async () => {
    database = await openTestDatabase();
    const made = await addTenant(database.db);
    tenant = made.tenant;
    const desks = await storeExample(database.db, made);
    nameOf = new Map(deskNames.map((name) => [desks[name], name]));
  });
  afterAll(() => database.close());

  it.each(examples)('$id', async ({ actor, permission = 'Devices.View', sees }) => {
    const rows = await database.db.within({ tenant }, (tx) =>
      tx.selectFrom('device').select('id').where(deviceFilter(actor(), permission)).execute(),
    );
    expect(inOrder(rows.flatMap(({ id }) => nameOf.get(id) ?? []))).toEqual(inOrder(sees));
  });
});

function inOrder(names: readonly DeskName[]): DeskName[] {
  return deskNames.filter((name) => names.includes(name));
}

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AccessControl } from '../../../contracts/console/access.ts';
import type { AssignmentTarget } from '../../../contracts/console/policies.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
import { auditRoutes } from '../../../fleet/audit/routes.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { publishRoutes } from '../../../fleet/policies/publish-routes.ts';
import { actorIn, control, own, profile } from '../access/example-world.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from '../documents/open-stage.ts';
import { type StagedConsole, stageConsole } from '../rejudge/staged-console.ts';

describeWithDatabase('who may put desks under a policy', () => {
  let stage: Stage;
  let db: Db;
  let console: StagedConsole;
  let [berlin, claims, munich] = ['', '', ''];
  let priority = 0;
  beforeAll(async () => {
    stage = await openStage();
    ({ db } = await stage.replica());
    berlin = await stage.addGroup('Berlin');
    claims = await stage.addGroup('Claims', berlin);
    munich = await stage.addGroup('Munich');
    await stage.publish('floor');
    console = await stageConsole(db, stage.now, [...publishRoutes(stage.deps), ...auditRoutes({ keyring: stage.keyring })]);
  });
  afterAll(async () => {
    await console.close();
    await stage.close();
  });

  const inBerlin = (accessControl: AccessControl | null): Actor =>
    actorIn(null, [profile(accessControl, ['Devices.View', 'Policies.View', 'Policies.Publish', 'ChangeHistory.View'])], {
      tenant: stage.tenant,
      account: randomUUID(),
      group: { id: berlin, path: [berlin] },
    });
  const assign = async (actor: Actor, target: AssignmentTarget) => {
    priority += 1;
    const url = `/api/v1/instances/${stage.instance.id}/assignments`;
    return (await console.call(actor, 'POST', url, { policy: 'floor', target, priority })).status;
  };
  const targets = (): Record<string, AssignmentTarget> => ({
    all: { kind: 'all' },
    own: { kind: 'group', group: berlin },
    below: { kind: 'group', group: claims },
    beside: { kind: 'group', group: munich },
    tag: { kind: 'tag', key: 'Dept', value: 'Claims' },
    'other value': { kind: 'tag', key: 'Dept', value: 'Sales' },
  });
  const statuses = async (accessControl: AccessControl | null) => {
    const actor = inBerlin(accessControl);
    const found: [string, number][] = [];
    for (const [name, target] of Object.entries(targets())) found.push([name, await assign(actor, target)]);
    return Object.fromEntries(found);
  };

  it('S4-23, E29a: whoever sees every one of them', async () => {
    const [yes, no] = [201, 404];
    expect(await statuses(null)).toEqual({ all: yes, own: yes, below: yes, beside: yes, tag: yes, 'other value': yes });
    expect(await statuses(control(own))).toEqual({ all: no, own: yes, below: yes, beside: no, tag: no, 'other value': no });
    expect(await statuses(control(null, { Dept: 'Claims' }))).toEqual({
      ...{ all: no, own: no, below: no, beside: no, tag: yes, 'other value': no },
    });
  });

  it('tells an unseen group from one that there is not by nothing', async () => {
    const actor = inBerlin(control(own));
    const url = `/api/v1/instances/${stage.instance.id}/assignments`;
    const answers = [];
    for (const group of [munich, randomUUID()]) {
      answers.push(await console.call(actor, 'POST', url, { policy: 'floor', target: { kind: 'group', group }, priority: 900 }));
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it('shows in the changes of the policy who put desks under it', async () => {
    const actor = inBerlin(null);
    expect(await assign(actor, { kind: 'all' })).toBe(201);
    const { body } = await console.call(actor, 'GET', '/api/v1/policies/floor/changes');
    expect(body.items[0]).toMatchObject({ actor: { id: actor.account }, action: 'POST /api/v1/instances/:instance/assignments' });
  });
});

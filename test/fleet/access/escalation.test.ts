import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import { ProfileRequest } from '../../../contracts/console/access-calls.ts';
import { changeGroup } from '../../../fleet/access/hierarchy.ts';
import { changeProfile } from '../../../fleet/access/profiles.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openAccessStage, type Stage } from './access-stage.ts';
import { control, groupId, own } from './example-world.ts';

describeWithDatabase('S4-21: ways around one’s own restriction', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openAccessStage();
  });
  afterAll(() => stage.close());

  it('E18: whoever sees all desks and edits their own moves no group below their own', async () => {
    const held = [
      await stage.addProfile(['Devices.View', 'Devices.Edit'], control(own)),
      await stage.addProfile(['Devices.View', 'Hierarchy.View', 'Hierarchy.Edit']),
    ];
    const { id } = await stage.addAccount(groupId('Berlin'), held);
    const actor = await stage.actor(id);
    const move = (group: Parameters<typeof groupId>[0], parent: Parameters<typeof groupId>[0]) =>
      stage.refusal((tx) => changeGroup(tx, actor, groupId(group), { parent: groupId(parent) }));
    expect(await move('Munich', 'Berlin')).toBe('not-found');
    expect(await move('TeamA', 'Sales')).toBe('allowed');
  });

  it('nobody takes up by a profile that they hold a duty that is kept apart', async () => {
    const profile = await stage.addProfile(['Policies.View']);
    const { id: admin } = await stage.addAccount(null, [stage.defaults.FleetAdmin, profile]);
    const { id: other } = await stage.addAccount(null, [stage.defaults.FleetAdmin]);
    const give = async (account: string, permissions: readonly Permission[]) => {
      const actor = await stage.actor(account);
      const request = ProfileRequest.parse({ name: randomUUID(), permissions });
      return stage.refusal((tx) => changeProfile(tx, actor, profile, request));
    };
    expect(await give(admin, ['Policies.View', 'Audit.Export', 'Audit.View'])).toBe('boundary-exceeded');
    expect(await give(admin, ['Policies.View', 'AllowList.View'])).toBe('allowed');
    expect(await give(other, ['Policies.View', 'Audit.Export', 'Audit.View'])).toBe('allowed');
  });
});

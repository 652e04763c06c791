import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import { ProfileRequest } from '../../../contracts/console/access-calls.ts';
import { changeAccount } from '../../../fleet/access/accounts.ts';
import { changeGroup } from '../../../fleet/access/hierarchy.ts';
import { changeProfile } from '../../../fleet/access/profiles.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { now, openAccessStage, type Stage } from './access-stage.ts';
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

  it('whoever edits users shuts out nobody who may do more', async () => {
    const editor = await stage.addProfile(['Users.View', 'Users.Edit', 'SecurityProfiles.View', 'Hierarchy.View', 'Devices.View']);
    const actor = await stage.actor((await stage.addAccount(null, [editor])).id);
    const disable = async (profiles: readonly string[], disabled = true) => {
      const { id } = await stage.addAccount(groupId('Berlin'), profiles);
      return stage.refusal((tx) => changeAccount(tx, actor, stage.keyring, id, { disabled }, now));
    };
    // Two of them, so that it is not the last.
    for (const _ of [1, 2]) expect(await disable([stage.defaults.FleetAdmin])).toBe('boundary-exceeded');
    expect(await disable([await stage.addProfile(['Policies.View'])])).toBe('boundary-exceeded');
    expect(await disable([editor])).toBe('allowed');
    expect(await disable([await stage.addProfile(['Devices.View'], control(own))])).toBe('allowed');
    expect(await disable([])).toBe('allowed');
    // Nothing is asked where nothing changes.
    expect(await disable([stage.defaults.FleetAdmin], false)).toBe('allowed');
    const admin = await stage.actor((await stage.addAccount(null, [stage.defaults.FleetAdmin])).id);
    const { id: auditor } = await stage.addAccount(null, [stage.defaults.SecurityAuditor]);
    expect(await stage.refusal((tx) => changeAccount(tx, admin, stage.keyring, auditor, { disabled: true }, now))).toBe('allowed');
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

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AccessControl, type Permission } from '../../../contracts/console/access.ts';
import { AccountName, AddAccountRequest, ProfileRequest } from '../../../contracts/console/access-calls.ts';
import { addAccount, changeAccount, listAccounts, readAccount } from '../../../fleet/access/accounts.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
import { assignProfiles, profilesOf } from '../../../fleet/access/assignment.ts';
import { may } from '../../../fleet/access/decide.ts';
import { addProfile, changeProfile, deleteProfile, readProfile } from '../../../fleet/access/profiles.ts';
import { demandAtAll } from '../../../fleet/access/refusal.ts';
import { changeSettings, guardrailTemplates } from '../../../fleet/access/settings.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { now, openAccessStage, type Stage } from './access-stage.ts';
import { control, deskResource, groupId, named, own } from './example-world.ts';

describeWithDatabase('profiles, accounts and who holds what', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openAccessStage();
  });
  afterAll(() => stage.close());

  const profileRequest = (permissions: readonly Permission[], accessControl: AccessControl | null = null, more: object = {}) =>
    ProfileRequest.parse({ name: randomUUID(), permissions, accessControl, ...more });
  const heldBy = async (account: string) => (await stage.within((tx) => profilesOf(tx, account))).map(({ id }) => id).sort();

  it('S0-22: an account without a profile may do nothing, E1', async () => {
    const { id } = await stage.addAccount(groupId('Berlin'), []);
    expect(may(await stage.actor(id), 'Devices.View', deskResource('D1')).allowed).toBe(false);
  });

  it('E26 refuses a third granular profile and leaves what was held, E27 takes any number of others', async () => {
    const granular = [
      await stage.addProfile(['Devices.View'], control(own)),
      await stage.addProfile(['Devices.View'], control(named('FR'))),
      await stage.addProfile(['Devices.View'], control(null, { Dept: 'Claims' })),
    ];
    const others = [
      await stage.addProfile(['Policies.View']),
      await stage.addProfile(['AllowList.View']),
      await stage.addProfile(['Audit.View']),
    ];
    const two = granular.slice(0, 2);
    const account = await stage.addAccount(groupId('Berlin'), two);
    const give = (profiles: readonly string[]) => stage.refusal((tx) => assignProfiles(tx, stage.operator, account.id, profiles));
    expect(await give(granular)).toBe('granular-profile-limit');
    expect(await heldBy(account.id)).toEqual([...two].sort());
    expect(await give([...two, ...others])).toBe('allowed');
    expect(await heldBy(account.id)).toEqual([...two, ...others].sort());
    // Nor by way of the profile: made granular, it would be their third.
    const plain = others[0] ?? '';
    const edit = (profile: string) =>
      stage.within((tx) => changeProfile(tx, stage.operator, profile, profileRequest(['Policies.View', 'Devices.View'], control(own))));
    await expect(edit(plain)).rejects.toMatchObject({
      code: 'granular-profile-limit',
      message: expect.stringMatching(/^1 of the accounts/),
    });
    const single = await stage.addProfile(['Policies.View']);
    await stage.addAccount(groupId('Berlin'), [single, ...two.slice(1)]);
    await expect(edit(single)).resolves.toMatchObject({ answer: { holders: 1 } });
  });

  it('E26 at once: of two profiles of one account that become granular together, one is refused', async () => {
    const plain = [await stage.addProfile(['Devices.View']), await stage.addProfile(['Devices.View'])];
    const granular = await stage.addProfile(['Devices.View'], control(own));
    await stage.addAccount(groupId('Berlin'), [granular, ...plain]);
    const answers = await Promise.all(
      plain.map((id) => stage.refusal((tx) => changeProfile(tx, stage.operator, id, profileRequest(['Devices.View'], control(own))))),
    );
    expect(answers.sort()).toEqual(['allowed', 'granular-profile-limit']);
  });

  it('E30 and S4-21: nobody hands out more than they have, nor to themselves', async () => {
    const restricted = await stage.addProfile(['Devices.View'], control(own));
    const maker = await stage.addProfile(['SecurityProfiles.Create', 'SecurityProfiles.Edit', 'Users.EditPermission']);
    const { id } = await stage.addAccount(groupId('Berlin'), [restricted, maker]);
    const actor = await stage.actor(id);
    const make = (permissions: readonly Permission[], accessControl: AccessControl | null = null) =>
      stage.refusal((tx) => addProfile(tx, actor, profileRequest(permissions, accessControl), now));
    expect({
      open: await make(['Devices.View']),
      'own and a tag': await make(['Devices.View'], control(own, { Dept: 'Claims' })),
      'named below': await make(['Devices.View'], control(named('Claims'))),
      'named above': await make(['Devices.View'], control(named('DE'))),
      'by tag alone': await make(['Devices.View'], control(null, { Dept: 'Claims' })),
      'another permission': await make(['Devices.View', 'Devices.Edit'], control(own)),
      'restricted on another type': await make(['Devices.View', 'Users.View'], control(own, {}, ['User'])),
      'what it has itself': await make(['SecurityProfiles.Create']),
    }).toEqual({
      open: 'boundary-exceeded',
      'own and a tag': 'allowed',
      'named below': 'allowed',
      'named above': 'boundary-exceeded',
      'by tag alone': 'boundary-exceeded',
      'another permission': 'boundary-exceeded',
      'restricted on another type': 'boundary-exceeded',
      'what it has itself': 'allowed',
    });

    const [berliner, french] = [await stage.addAccount(groupId('Claims'), []), await stage.addAccount(groupId('FR'), [])];
    const give = (account: string, profiles: readonly string[]) => stage.refusal((tx) => assignProfiles(tx, actor, account, profiles));
    expect({
      'own, to one below': await give(berliner.id, [restricted]),
      // There `own` is France.
      'own, to one elsewhere': await give(french.id, [restricted]),
      'an administrator': await give(berliner.id, [stage.defaults.FleetAdmin]),
      'an agent': await give(french.id, [stage.defaults.Agent]),
      self: await give(id, []),
    }).toEqual({
      'own, to one below': 'allowed',
      'own, to one elsewhere': 'boundary-exceeded',
      'an administrator': 'boundary-exceeded',
      'an agent': 'allowed',
      self: 'boundary-exceeded',
    });
    const edit = (profile: string, wanted: ProfileRequest) => stage.refusal((tx) => changeProfile(tx, actor, profile, wanted));
    expect(await edit(restricted, profileRequest(['Devices.View']))).toBe('boundary-exceeded');
    // Nor is what is above them cut down by them.
    const strong = await stage.addProfile(['Devices.View', 'Devices.Edit']);
    expect(await edit(strong, profileRequest(['Devices.View'], control(own)))).toBe('boundary-exceeded');
  });

  it("a service's token that is bound to a group hands out nothing: what it made would not be bound", async () => {
    const [mover, viewer] = [await stage.addProfile(['Devices.View', 'Users.Edit']), await stage.addProfile(['Devices.View'])];
    const conditions = { 'deskwarden:HierarchyGroupL3Id': groupId('Berlin') };
    const bound = await stage.actor((await stage.addAccount(null, [mover], { kind: 'service', conditions })).id);
    const free = await stage.actor((await stage.addAccount(null, [mover], { kind: 'service' })).id);
    const { id } = await stage.addAccount(groupId('Claims'), [viewer]);
    const move = (actor: Actor) => stage.refusal((tx) => changeAccount(tx, actor, stage.keyring, id, { group: groupId('Sales') }, now));
    expect([await move(bound), await move(free)]).toEqual(['boundary-exceeded', 'allowed']);
  });

  it('an administrator appoints auditors and agents, whose duties it has not, and only within its guardrails', async () => {
    const admin = await stage.actor((await stage.addAccount(null, [stage.defaults.FleetAdmin])).id);
    const { id } = await stage.addAccount(null, []);
    const give = (name: keyof Stage['defaults']) => stage.refusal((tx) => assignProfiles(tx, admin, id, [stage.defaults[name]]));
    const answers = [];
    for (const name of ['SecurityAuditor', 'Supervisor', 'Agent', 'FleetAdmin', 'Operator', 'BreakGlass'] as const)
      answers.push(await give(name));
    expect(answers).toEqual(Array(6).fill('allowed'));
    expect(may(admin, 'Audit.Export', null).allowed).toBe(false);
  });

  it('moving an account is bounded too: `own` moves with it, and so do its desks', async () => {
    const holder = await stage.addAccount(groupId('Claims'), [await stage.addProfile(['Devices.View'], control(own))]);
    const owner = await stage.addAccount(groupId('FR'), []);
    await stage.within((tx) => tx.updateTable('device').set({ owner_id: owner.id }).where('id', '=', stage.desks.D6).execute());
    const lead = await stage.addAccount(groupId('Berlin'), [
      await stage.addProfile(['Devices.View'], control(own)),
      await stage.addProfile(['Users.Edit']),
    ]);
    const actor = await stage.actor(lead.id);
    const move = (account: string, group: string | null) =>
      stage.refusal((tx) => changeAccount(tx, actor, stage.keyring, account, { group }, now));
    expect({
      up: await move(holder.id, groupId('EMEA')),
      oneself: await move(lead.id, groupId('EMEA')),
      aside: await move(holder.id, groupId('Sales')),
      'with desks, into reach': await move(owner.id, groupId('Berlin')),
      'to nowhere': await move(holder.id, randomUUID()),
    }).toEqual({
      up: 'boundary-exceeded',
      oneself: 'boundary-exceeded',
      aside: 'allowed',
      'with desks, into reach': 'outside-scope',
      'to nowhere': 'bad-request',
    });
    await stage.within((tx) => tx.updateTable('device').set({ owner_id: null }).where('id', '=', stage.desks.D6).execute());
  });

  it('S0-24: default profiles stay as they are', async () => {
    for (const id of Object.values(stage.defaults)) {
      expect(await stage.refusal((tx) => changeProfile(tx, stage.operator, id, profileRequest(['Devices.View'])))).toBe('default-profile');
      expect(await stage.refusal((tx) => deleteProfile(tx, stage.operator, id))).toBe('default-profile');
    }
  });

  it('S2-03, S4-19, E20 and E31: what does not make sense is refused, what is doubtful is said', async () => {
    const make = (request: ProfileRequest) => stage.refusal((tx) => addProfile(tx, stage.operator, request, now));
    const gone = { ...control(own), hierarchy: named('deleted') };
    expect({
      'E20 without View': await make(profileRequest(['Devices.Edit'], control(own))),
      'S2-03 agents who edit accounts': await make(profileRequest(['Ccp.Access', 'Users.Edit'])),
      'S2-03 with a reason': await make(profileRequest(['Ccp.Access', 'Users.Edit'], null, { reason: 'A team of three' })),
      'a group that is not': await make(profileRequest(['Devices.View'], gone)),
      'a name twice': await make(profileRequest(['Devices.View'], null, { name: 'Supervisor' })),
    }).toEqual({
      'E20 without View': 'profile-refused',
      'S2-03 agents who edit accounts': 'profile-refused',
      'S2-03 with a reason': 'allowed',
      'a group that is not': 'profile-refused',
      'a name twice': 'conflict',
    });
    const unsafe = profileRequest(['Devices.View', 'AlertRules.View', 'LiveBoard.Access', 'SecurityProfiles.Create'], control(own));
    const { answer } = await stage.within((tx) => addProfile(tx, stage.operator, unsafe, now));
    expect(answer.warnings).toEqual([
      { code: 'escalation', permission: 'SecurityProfiles.Create' },
      { code: 'unsafe-module', permission: 'AlertRules.View' },
    ]);
    await stage.within((tx) => tx.updateTable('tenant_settings').set({ profile_lint: 'strict' }).execute());
    expect(await make({ ...unsafe, name: randomUUID() })).toBe('profile-refused');
    await stage.within((tx) => tx.updateTable('tenant_settings').set({ profile_lint: 'warn' }).execute());
  });

  it('E8: a profile whose group is gone says so', async () => {
    const id = await stage.addProfile(['Devices.View'], control(named('Austin')));
    const gone = JSON.stringify(control(named('deleted')));
    await stage.within((tx) => tx.updateTable('security_profile').set({ access_control: gone }).where('id', '=', id).execute());
    const { answer } = await stage.within((tx) => readProfile(tx, stage.operator, id));
    expect(answer.warnings).toEqual([{ code: 'dangling-group', permission: null }]);
  });

  it('S2-07 and S2-09: a guardrail is asked before every grant and wants a fresh second factor to be changed', async () => {
    const admin = await stage.actor((await stage.addAccount(null, [stage.defaults.FleetAdmin])).id);
    expect(await stage.refusal(async () => demandAtAll(admin, 'Tenant.Delete'))).toBe('allowed');
    const unchanged = { publishTwoPerson: false, allowlistApproval: 'manual' as const };
    const wanted = { guardrails: [...guardrailTemplates], maxGranularProfiles: 2, profileLint: 'warn' as const, ...unchanged };
    const later = new Date(now.getTime() + 5 * 60_000 + 1);
    expect(await stage.refusal((tx) => changeSettings(tx, admin, wanted, later))).toBe('step-up-required');
    expect(await stage.refusal((tx) => changeSettings(tx, admin, wanted, now))).toBe('allowed');
    const bound = await stage.actor(admin.account);
    for (const permission of guardrailTemplates.flatMap(({ deny }) => deny)) {
      expect([permission, await stage.refusal(async () => demandAtAll(bound, permission))]).toEqual([permission, 'explicit-deny']);
    }
    await stage.within((tx) => changeSettings(tx, admin, { ...wanted, guardrails: [] }, now));
    expect(await stage.refusal((tx) => changeSettings(tx, admin, { ...wanted, maxGranularProfiles: 1 }, now))).toBe(
      'granular-profile-limit',
    );
  });

  it('sealed names are found exactly, case and all, and are readable nowhere', async () => {
    const name = 'Anna.Example@example.com';
    const { id } = await stage.addAccount(groupId('Berlin'), [], { name });
    const find = async (wanted: string) =>
      (await stage.within((tx) => listAccounts(tx, stage.operator, stage.keyring, { limit: 10, name: wanted }))).page.items;
    expect(await find(name)).toMatchObject([{ id, name }]);
    expect(await find(name.toLowerCase())).toEqual([]);
    expect(
      await stage.refusal((tx) => addAccount(tx, stage.operator, stage.keyring, AddAccountRequest.parse({ name, kind: 'local' }), now)),
    ).toBe('conflict');
    const row = await stage.within((tx) => tx.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirstOrThrow());
    expect(JSON.stringify(row) + row.name_sealed.toString('latin1') + row.name_index.toString('latin1')).not.toContain('Anna');
    expect([AccountName.safeParse('a').success, AccountName.safeParse('a b').success, AccountName.safeParse('ana@x').success]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('whoever is restricted on accounts sees those alone, and 404 for all others', async () => {
    const team = await stage.addProfile(['Users.Edit', 'Users.View'], control(own, {}, ['User']));
    const lead = await stage.actor((await stage.addAccount(groupId('Munich'), [team])).id);
    const [near, far] = [await stage.addAccount(groupId('Munich'), []), await stage.addAccount(groupId('FR'), [])];
    const { page } = await stage.within((tx) => listAccounts(tx, lead, stage.keyring, { limit: 200 }));
    expect(page.items.map(({ id }) => id).sort()).toEqual([lead.account, near.id].sort());
    const read = (id: string) => stage.refusal((tx) => readAccount(tx, lead, stage.keyring, id));
    expect([await read(near.id), await read(far.id), await read(randomUUID())]).toEqual(['allowed', 'not-found', 'not-found']);
    const move = (id: string, group: string) => stage.refusal((tx) => changeAccount(tx, lead, stage.keyring, id, { group }, now));
    expect([await move(near.id, groupId('FR')), await move(far.id, groupId('Munich'))]).toEqual(['outside-scope', 'not-found']);
  });

  it('S0-22: a disabled account is no actor from the next call on', async () => {
    const { id } = await stage.addAccount(null, [stage.defaults.SecurityAuditor]);
    await stage.within((tx) => changeAccount(tx, stage.operator, stage.keyring, id, { disabled: true }, now));
    await expect(stage.actor(id)).rejects.toThrow('no such account');
  });

  it('refuses access control that is half said, and too many tags', () => {
    const five = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [key, '']));
    const bad: unknown[] = [
      { ...control(own), hierarchyRestrictedResources: [] },
      { ...control(null, { a: '' }), tagRestrictedResources: [] },
      { ...control(own), tagRestrictedResources: ['Device'] },
      control(null, five),
      { ...control(own), mode: 'own' },
      { hierarchy: { mode: 'none' }, hierarchyRestrictedResources: [], tags: {}, tagRestrictedResources: [] },
      control(null, { 'aws:x': '' }),
      control(null, { 'Deskwarden:x': '' }),
      control(null, { x: '\0' }),
      control(null, { x: '\ud800' }),
    ];
    expect(bad.map((one) => AccessControl.safeParse(one).success)).toEqual(bad.map(() => false));
  });
});

describeWithDatabase('the last administrator', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openAccessStage();
  });
  afterAll(() => stage.close());

  it('S2-08: stays, even where two give up at once', async () => {
    const first = await stage.addAccount(null, [stage.defaults.FleetAdmin]);
    const second = await stage.addAccount(null, [stage.defaults.FleetAdmin]);
    const disable = (id: string) => stage.refusal((tx) => changeAccount(tx, stage.operator, stage.keyring, id, { disabled: true }, now));
    const strip = (id: string) => stage.refusal((tx) => assignProfiles(tx, stage.operator, id, []));
    const answers = await Promise.all([disable(first.id), strip(second.id)]);
    expect([...answers].sort()).toEqual(['allowed', 'last-admin']);
    const left = answers[0] === 'allowed' ? second.id : first.id;
    expect([await disable(left), await strip(left)]).toEqual(['last-admin', 'last-admin']);
    // A service cannot sign in to repair anything.
    await stage.addAccount(null, [stage.defaults.FleetAdmin], { kind: 'service' });
    expect(await strip(left)).toBe('last-admin');
  });
});

import { createHash, randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nobodyIn } from '../../../fleet/access/actor.ts';
import { loadActor } from '../../../fleet/access/load-actor.ts';
import { accessRoutes } from '../../../fleet/access/routes.ts';
import { type Db, openDb } from '../../../fleet/db/tenancy.ts';
import { type FrameDeps, mount } from '../../../fleet/http/frame.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { now, openAccessStage, type Stage } from './access-stage.ts';
import { control, groupId, own } from './example-world.ts';

// Through the real frame; only who calls is said by a header here, which is the sign-in's matter.
describeWithDatabase('routes of access', () => {
  let stage: Stage;
  let db: Db;
  let app: FastifyInstance;
  const recorded: Parameters<FrameDeps['appendAudit']>[2][] = [];
  beforeAll(async () => {
    stage = await openAccessStage();
    db = openDb({ url: stage.appUrl, applicationName: 'test-routes', max: 2, onError: () => undefined });
    app = Fastify();
    mount(app, accessRoutes({ keyring: stage.keyring }), {
      db,
      now: () => now,
      async identify(request) {
        const account = request.headers['x-account'];
        return {
          tenant: stage.tenant,
          account: typeof account === 'string' ? account : null,
          session: randomUUID(),
          mfaAt: now,
          device: null,
        };
      },
      actorOf: async (tx, { tenant, account }) =>
        (account === null ? null : await loadActor(tx, account, { id: randomUUID(), mfaAt: now })) ?? nobodyIn(tenant),
      appendAudit: async (_tx, _tenant, record) => void recorded.push(record),
      onFault: ({ error }) => console.error(error),
    });
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await db.end();
    await stage.close();
  });

  async function call(account: string, method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload?: object) {
    const answer = await app.inject({ method, url, headers: { 'x-account': account }, ...(payload && { payload }) });
    const body: unknown = answer.body === '' ? null : answer.json();
    return { status: answer.statusCode, body, raw: answer.body, code: (body as { error?: { code: string } } | null)?.error?.code };
  }

  it('rule 8: an unseen desk and none at all are answered with the same bytes, and one that is seen with 403', async () => {
    const lead = await stage.addAccount(groupId('Berlin'), [await stage.addProfile(['Devices.View', 'Devices.Edit'], control(own))]);
    const patch = (desk: string, payload: object) => call(lead.id, 'PATCH', `/api/v1/desks/${desk}`, payload);
    const unseen = await patch(stage.desks.D5, { group: groupId('Berlin') });
    const none = await patch(randomUUID(), { group: groupId('Berlin') });
    expect(unseen).toMatchObject({ status: 404, code: 'not-found' });
    expect([none.status, none.raw]).toEqual([unseen.status, unseen.raw]);
    expect(await patch(stage.desks.D3, { group: groupId('Munich') })).toMatchObject({ status: 403, code: 'outside-scope' });
    expect(await patch(stage.desks.D3, { group: groupId('Claims') })).toMatchObject({ status: 200, body: { group: groupId('Claims') } });
    expect(recorded.at(-1)).toMatchObject({ status: 200, decision: { rule: 'acl.rule4.p1' } });
    expect(await patch(stage.desks.D3, { group: null, tags: { 'aws:x': '' } })).toMatchObject({ status: 400, code: 'bad-request' });
  });

  it('S0-15 and S2-07: 403 before anything is read, and by name where a guardrail denies', async () => {
    const operator = await stage.addAccount(null, [stage.defaults.Operator]);
    expect(await call(operator.id, 'PATCH', `/api/v1/desks/${randomUUID()}`, { tags: {} })).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    const admin = await stage.addAccount(null, [stage.defaults.FleetAdmin]);
    const settings = {
      guardrails: [{ name: 'NoGroups', deny: ['Hierarchy.Edit'], reason: 'test' }],
      maxGranularProfiles: 2,
      profileLint: 'warn',
      publishTwoPerson: false,
      allowlistApproval: 'manual',
    };
    expect(await call(admin.id, 'PUT', '/api/v1/access-settings', settings)).toMatchObject({ status: 200 });
    expect(await call(admin.id, 'POST', '/api/v1/groups', { name: 'X', parent: null })).toMatchObject({
      status: 403,
      code: 'explicit-deny',
    });
    expect(recorded.at(-1)).toMatchObject({ code: 'explicit-deny', decision: { rule: 'acl.rule1.NoGroups' } });
    expect(await call(admin.id, 'PUT', '/api/v1/access-settings', { ...settings, guardrails: [] })).toMatchObject({ status: 200 });
  });

  it('what wants a second person is set with the guardrails, and recorded with what was before', async () => {
    const admin = await stage.addAccount(null, [stage.defaults.FleetAdmin]);
    const operator = await stage.addAccount(null, [stage.defaults.Operator]);
    const before = { guardrails: [], maxGranularProfiles: 2, profileLint: 'warn', publishTwoPerson: false, allowlistApproval: 'manual' };
    const put = (account: string, more: object) => call(account, 'PUT', '/api/v1/access-settings', { ...before, ...more });
    const hash = (value: object) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
    const after = { ...before, publishTwoPerson: true, allowlistApproval: 'automatic' };
    expect(await put(admin.id, after)).toMatchObject({ status: 200, body: after });
    expect(recorded.at(-1)).toMatchObject({ change: { beforeHash: hash(before), afterHash: hash(after) } });
    expect(await call(admin.id, 'GET', '/api/v1/access-settings')).toMatchObject({ body: after });
    const stored = await stage.within((tx) =>
      tx.selectFrom('tenant_settings').select(['publish_two_person', 'allowlist_approval']).executeTakeFirstOrThrow(),
    );
    expect(stored).toEqual({ publish_two_person: true, allowlist_approval: 'automatic' });
    // An operator of the platform approves no allowlist, so neither all of them at once.
    expect(await put(operator.id, {})).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await put(operator.id, { allowlistApproval: 'automatic' })).toMatchObject({ status: 200 });
    expect(await put(admin.id, {})).toMatchObject({ status: 200 });
    const auditor = await stage.addAccount(null, [stage.defaults.SecurityAuditor]);
    expect(await put(auditor.id, {})).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('an administrator does all of it', async () => {
    const admin = (await stage.addAccount(null, [stage.defaults.FleetAdmin])).id;
    const made = async (url: string, payload: object) => {
      const { status, body } = await call(admin, 'POST', url, payload);
      expect([url, status]).toEqual([url, 201]);
      return (body as { id: string }).id;
    };
    const group = await made('/api/v1/groups', { name: 'Leipzig', parent: groupId('DE') });
    const profile = await made('/api/v1/profiles', { name: 'Team lead', permissions: ['Devices.View'], accessControl: control(own) });
    const account = await made('/api/v1/accounts', { name: 'lead@example.com', kind: 'oidc', group, profiles: [profile] });
    const answers: [string, number, string?][] = [];
    const ask = async (method: Parameters<typeof call>[1], url: string, payload?: object) => {
      const { status, code } = await call(admin, method, url, payload);
      answers.push([
        `${method} ${url.replace(group, 'GROUP').replace(profile, 'PROFILE').replace(account, 'ACCOUNT')}`,
        status,
        ...(code ? [code] : []),
      ] as [string, number]);
    };
    await ask('GET', '/api/v1/permissions');
    await ask('GET', '/api/v1/access-settings');
    for (const list of ['groups', 'profiles', 'accounts']) await ask('GET', `/api/v1/${list}?limit=2`);
    await ask('GET', `/api/v1/profiles/${profile}`);
    await ask('PUT', `/api/v1/profiles/${profile}`, {
      name: 'Team lead',
      permissions: ['Devices.Edit', 'Devices.View'],
      accessControl: control(own),
    });
    await ask('DELETE', `/api/v1/profiles/${profile}`);
    await ask('GET', `/api/v1/accounts/${account}`);
    await ask('GET', `/api/v1/accounts/${account}/visible-desks`);
    await ask('PUT', `/api/v1/accounts/${account}/profiles`, { profiles: [] });
    await ask('DELETE', `/api/v1/profiles/${profile}`);
    await ask('PATCH', `/api/v1/groups/${group}`, { name: 'Dresden' });
    await ask('DELETE', `/api/v1/groups/${group}`);
    await ask('PATCH', `/api/v1/accounts/${account}`, { group: null, disabled: true });
    await ask('DELETE', `/api/v1/groups/${group}`);
    await ask('PUT', `/api/v1/accounts/${admin}/profiles`, { profiles: [] });
    expect(answers).toEqual([
      ['GET /api/v1/permissions', 200],
      ['GET /api/v1/access-settings', 200],
      ['GET /api/v1/groups?limit=2', 200],
      ['GET /api/v1/profiles?limit=2', 200],
      ['GET /api/v1/accounts?limit=2', 200],
      ['GET /api/v1/profiles/PROFILE', 200],
      ['PUT /api/v1/profiles/PROFILE', 200],
      ['DELETE /api/v1/profiles/PROFILE', 409, 'conflict'],
      ['GET /api/v1/accounts/ACCOUNT', 200],
      ['GET /api/v1/accounts/ACCOUNT/visible-desks', 200],
      ['PUT /api/v1/accounts/ACCOUNT/profiles', 200],
      ['DELETE /api/v1/profiles/PROFILE', 204],
      ['PATCH /api/v1/groups/GROUP', 200],
      ['DELETE /api/v1/groups/GROUP', 409, 'conflict'],
      ['PATCH /api/v1/accounts/ACCOUNT', 200],
      ['DELETE /api/v1/groups/GROUP', 204],
      [`PUT /api/v1/accounts/${admin}/profiles`, 403, 'boundary-exceeded'],
    ]);
  });
});

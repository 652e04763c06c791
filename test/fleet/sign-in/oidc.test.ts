import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import type { OidcSettings } from '../../../fleet/sign-in/oidc-claims.ts';
import { forgetSubjects } from '../../../fleet/sign-in/oidc-sign-in.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { newSigningKey, openProvider, type Person, type TestProvider } from './provider.ts';
import { type Answer, CONSOLE, openStage, type Stage } from './stage.ts';

const CALLBACK = '/api/v1/sign-in/oidc/callback';

describeWithDatabase('sign-in at an identity provider', () => {
  let stage: Stage;
  let provider: TestProvider;
  let settings: OidcSettings;
  const [oldKey, newKey] = [newSigningKey('old'), newSigningKey('new')];

  beforeAll(async () => {
    stage = await openStage();
    provider = await openProvider();
    settings = {
      issuer: provider.issuer,
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
      groupsClaim: 'groups',
      profiles: {
        admins: ['FleetAdmin'],
        leads: ['Supervisor'],
        agents: ['Agent'],
        north: ['North'],
        south: ['South'],
        ghosts: ['NoSuchProfile'],
        glass: ['BreakGlass'],
      },
      acceptedAcr: ['urn:example:two-factors'],
      createAccounts: false,
    };
  });
  beforeEach(() => {
    provider.useKeys([oldKey]);
    provider.broken = null;
    stage.oidc.settings = settings;
  });
  afterAll(async () => {
    expect(stage?.faults).toEqual([]);
    if (stage) expect((await verifyAudit(stage.db, stage.tenant)).broken).toBeNull();
    await provider?.stop();
    await stage?.close();
  });

  const person = (sub: string, more: Partial<Person> = {}): Person => ({
    sub,
    name: `${sub}@example.com`,
    groups: ['leads'],
    amr: ['pwd', 'otp'],
    ...more,
  });

  async function start(query = ''): Promise<{ answer: Answer; cookie: string }> {
    const answer = await stage.get(`/api/v1/sign-in/oidc/start${query}`);
    return { answer, cookie: answer.setCookies[0]?.split(';')[0] ?? '' };
  }

  async function signIn(who: Person | null, query = ''): Promise<{ answer: Answer; back: URL; cookie: string }> {
    provider.person = who;
    const { answer: first, cookie } = await start(query);
    const back = await provider.visit(first.location ?? '');
    return { answer: await stage.get(`${back.pathname}${back.search}`, cookie), back, cookie };
  }

  async function lastRule(): Promise<string | undefined> {
    return (await stage.records()).at(-1)?.decision?.rule;
  }

  it('signs in whom the provider names, with a second factor, the profiles of the groups and the path that was asked for', async () => {
    const id = await stage.addOidcAccount('anna@example.com');
    const { answer } = await signIn(person('anna', { groups: ['leads', 'elsewhere'] }), '?returnTo=/desks/1?tab=findings');
    expect(answer).toMatchObject({ status: 302, location: '/desks/1?tab=findings' });
    const whoAmI = await stage.get('/api/v1/session', answer.cookie ?? '');
    expect(whoAmI.body).toMatchObject({ account: { id, name: 'anna@example.com' }, profiles: ['Supervisor'] });
    expect(whoAmI.body.permissions).toContain('Devices.View');
    expect(whoAmI.body.mfaAt).not.toBeNull();
    const again = await signIn(person('anna', { groups: ['admins'] }));
    expect((await stage.get('/api/v1/session', again.answer.cookie ?? '')).body.profiles).toEqual(['FleetAdmin']);
    expect((await stage.records()).at(-2)).toMatchObject({ action: `GET ${CALLBACK}`, status: 302, actor: { kind: 'account', id } });
  });

  it('asks by PKCE, state and nonce, and binds the answer to the browser', async () => {
    const { answer } = await start();
    const asked = new URL(answer.location ?? '');
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'deskwarden',
      redirect_uri: `${CONSOLE}${CALLBACK}`,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      acr_values: 'urn:example:two-factors',
    });
    expect(answer.setCookies[0]).toMatch(/^__Host-deskwarden-sign-in=[\w-]{43}; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/);
  });

  it('F1: compares the name exactly; why it was refused stands in the audit alone', async () => {
    await stage.addOidcAccount('bert@example.com');
    const { answer } = await signIn(person('bert', { name: 'Bert@example.com' }));
    expect(answer).toMatchObject({
      status: 403,
      cookie: null,
      body: { error: { code: 'access-denied', detail: 'access denied: ask your administrator' } },
    });
    expect(await lastRule()).toBe('sign-in.unknown-user');
  });

  it('F2: takes an answer once, in the browser that asked, for 10 minutes', async () => {
    await stage.addOidcAccount('cora@example.com');
    const { answer, back, cookie } = await signIn(person('cora'));
    expect(answer.status).toBe(302);
    const url = `${back.pathname}${back.search}`;
    expect(await stage.get(url, cookie)).toMatchObject({ status: 403, cookie: null, body: { error: { code: 'replayed' } } });
    expect(await lastRule()).toBe('sign-in.attempt-used');
    // The provider itself refuses a code that was used: a new attempt of the same browser with the old code.
    const second = await start();
    const state = new URL(second.answer.location ?? '').searchParams.get('state') ?? '';
    const replay = new URL(back);
    replay.searchParams.set('state', state);
    expect(await stage.get(`${replay.pathname}${replay.search}`, second.cookie)).toMatchObject({
      status: 403,
      body: { error: { code: 'replayed' } },
    });
    expect(await lastRule()).toBe('sign-in.code-refused');

    const third = await start();
    const stolen = await provider.visit(third.answer.location ?? '');
    expect((await stage.get(`${stolen.pathname}${stolen.search}`)).body.error?.code).toBe('replayed');
    expect((await stage.get(`${stolen.pathname}${stolen.search}`, (await start()).cookie)).body.error?.code).toBe('replayed');
    // Neither used it up.
    expect((await stage.get(`${stolen.pathname}${stolen.search}`, third.cookie)).status).toBe(302);
  });

  it('F2: takes no answer after 10 minutes', async () => {
    provider.person = person('cora');
    const { answer, cookie } = await start();
    const back = await provider.visit(answer.location ?? '');
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx.updateTable('sign_in_attempt').set({ expires_at: stage.now() }).where('used_at', 'is', null).execute(),
    );
    expect((await stage.get(`${back.pathname}${back.search}`, cookie)).body.error?.code).toBe('replayed');
  });

  it('F3: refuses without evidence of a second factor, except for who has the Agent profile alone', async () => {
    await stage.addOidcAccount('dirk@example.com');
    const refused = await signIn(person('dirk', { amr: ['pwd'] }));
    expect(refused.answer).toMatchObject({ status: 403, cookie: null, body: { error: { code: 'mfa-required' } } });
    expect((await signIn(person('dirk', { amr: ['pwd'], acr: 'urn:example:two-factors' }))).answer.status).toBe(302);
    const agent = await signIn(person('dirk', { amr: ['pwd'], groups: ['agents'] }));
    expect(agent.answer.status).toBe(302);
    expect((await stage.get('/api/v1/session', agent.answer.cookie ?? '')).body.mfaAt).toBeNull();
  });

  it('F4 analogue: lets nobody in who was disabled here, and ends the session with the next call', async () => {
    const id = await stage.addOidcAccount('egon@example.com');
    const { answer } = await signIn(person('egon'));
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx.updateTable('account').set({ disabled_at: stage.now() }).where('id', '=', id).execute(),
    );
    expect((await stage.get('/api/v1/session', answer.cookie ?? '')).status).toBe(401);
    expect((await signIn(person('egon'))).answer.body.error?.code).toBe('access-denied');
    expect(await lastRule()).toBe('sign-in.disabled');
  });

  it('F7: takes tokens of both published keys, and none of an unknown one', async () => {
    await stage.addOidcAccount('fred@example.com');
    // A client of its own each, whose keys are not held from before.
    const asNewClient = () => {
      stage.oidc.settings = { ...settings };
      stage.advance(11 * 60_000);
    };
    for (const [keys, published, status] of [
      [[oldKey, newKey], [oldKey, newKey], 302],
      [[newKey, oldKey], [newKey, oldKey], 302],
      [[newKey], [oldKey], 403],
    ] as const) {
      provider.useKeys(keys, published);
      asNewClient();
      expect((await signIn(person('fred'))).answer.status, `${keys[0].kid} of ${published.map(({ kid }) => kid)}`).toBe(status);
    }
    expect(await lastRule()).toMatch(/^sign-in\.oauth-/);
  });

  it.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/%2f%2fevil.example',
    'javascript:alert(1)',
    '/a\r\nset-cookie: x=1',
    '/../x',
    '/api/v1/sign-out',
    '',
  ])('F8: lands on its home instead of %j, and says so in the audit', async (returnTo) => {
    const { answer } = await start(`?returnTo=${encodeURIComponent(returnTo)}`);
    expect(answer.status).toBe(302);
    expect(await lastRule()).toBe('sign-in.return-path-ignored');
    const rows = await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx.selectFrom('sign_in_attempt').select('return_path').orderBy('expires_at', 'desc').limit(1).execute(),
    );
    expect(rows[0]?.return_path).toBe('/');
  });

  it('gives no access by groups that map to nothing, and none by the provider to break-glass', async () => {
    await stage.addOidcAccount('gerd@example.com');
    for (const groups of [[], ['elsewhere'], ['ghosts'], ['glass'], ['__proto__'], ['constructor']]) {
      expect((await signIn(person('gerd', { groups }))).answer.body.error?.code, groups.join()).toBe('access-denied');
      expect(await lastRule()).toBe('sign-in.unmapped');
    }
  });

  it('refuses a mapping to more granular profiles than the tenant allows, and drops none silently', async () => {
    const control = JSON.stringify({
      hierarchy: { mode: 'own' },
      hierarchyRestrictedResources: ['Device'],
      tags: {},
      tagRestrictedResources: [],
    });
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx
        .insertInto('security_profile')
        .values(
          ['North', 'South'].map((name) => ({
            tenant_id: stage.tenant,
            instance_id: '00000000-0000-0000-0000-000000000000',
            id: crypto.randomUUID(),
            name,
            access_control: control,
            created_at: stage.now(),
          })),
        )
        .execute(),
    );
    await stage.addOidcAccount('hans@example.com');
    expect((await signIn(person('hans', { groups: ['north', 'south', 'admins'] }))).answer.status).toBe(302);
    const refused = await signIn(person('hans', { groups: ['north', 'south', 'leads'] }));
    expect(refused.answer).toMatchObject({ cookie: null, body: { error: { code: 'granular-profile-limit' } } });
    expect((await stage.records()).at(-1)).toMatchObject({
      code: 'granular-profile-limit',
      decision: { rule: 'sign-in.granular-profile-limit' },
    });
  });

  it('takes the last administrator from nobody, whatever the groups say now', async () => {
    const chief = await stage.addOidcAccount('chief@example.com');
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx
        .deleteFrom('account_profile')
        .where('profile_id', 'in', tx.selectFrom('security_profile').select('id').where('name', '=', 'FleetAdmin'))
        .execute(),
    );
    expect((await signIn(person('chief', { groups: ['admins'] }))).answer.status).toBe(302);
    const { answer } = await signIn(person('chief', { groups: ['leads'] }));
    expect(answer).toMatchObject({ status: 409, cookie: null, body: { error: { code: 'last-admin' } } });
    expect((await stage.records()).at(-1)).toMatchObject({ code: 'last-admin', targets: [{ type: 'account', id: chief }] });
    const again = await signIn(person('chief', { groups: ['admins'] }));
    expect((await stage.get('/api/v1/session', again.answer.cookie ?? '')).body.profiles).toEqual(['FleetAdmin']);
    // With another one it goes.
    await stage.addOidcAccount('second@example.com');
    expect((await signIn(person('second', { groups: ['admins'] }))).answer.status).toBe(302);
    expect((await signIn(person('chief', { groups: ['leads'] }))).answer.status).toBe(302);
  });

  it('makes no account by itself, unless told to, and then the Agent profile alone, at later sign-ins too', async () => {
    const stranger = person('ines', { groups: ['admins'] });
    expect((await signIn(stranger)).answer.body.error?.code).toBe('access-denied');
    stage.oidc.settings = { ...settings, createAccounts: true };
    for (let time = 0; time < 2; time += 1) {
      const { answer } = await signIn(stranger);
      expect((await stage.get('/api/v1/session', answer.cookie ?? '')).body.profiles).toEqual(['Agent']);
    }
    await expect(signIn(person('x', { name: 'drop table; --' }))).resolves.toMatchObject({ answer: { status: 403 } });
    expect(await lastRule()).toBe('sign-in.no-user-name');
  });

  it('lets nobody in by a name that the provider gave to somebody else, nor by that of a local account', async () => {
    const id = await stage.addOidcAccount('jutta@example.com');
    expect((await signIn(person('jutta'))).answer.status).toBe(302);
    const namesake = person('another', { name: 'jutta@example.com' });
    expect((await signIn(namesake)).answer.body.error?.code).toBe('access-denied');
    expect(await lastRule()).toBe('sign-in.other-subject');
    await stage.db.within({ tenant: stage.tenant }, (tx) => forgetSubjects(tx, id));
    expect((await signIn(namesake)).answer.status).toBe(302);
    await stage.link('karl@example.com');
    expect((await signIn(person('karl'))).answer.body.error?.code).toBe('access-denied');
    expect(await lastRule()).toBe('sign-in.not-of-the-provider');
  });

  it('shows the second factor anew where a fresh one is asked for', async () => {
    await stage.addOidcAccount('lena@example.com');
    const { answer } = await signIn(person('lena'), '?fresh=1');
    expect(answer.status).toBe(302);
  });

  it('says so when the provider refuses, is down or talks nonsense', async () => {
    const cancelled = await signIn(null);
    expect(cancelled.answer).toMatchObject({ status: 403, body: { error: { code: 'access-denied' } } });
    expect(await lastRule()).toBe('sign-in.provider-access_denied');

    provider.person = person('anna');
    const { answer, cookie } = await start();
    const back = await provider.visit(answer.location ?? '');
    provider.broken = 500;
    expect(await stage.get(`${back.pathname}${back.search}`, cookie)).toMatchObject({
      status: 503,
      body: { error: { code: 'provider-unavailable' } },
    });
    stage.advance(11 * 60_000);
    expect((await start()).answer).toMatchObject({ status: 503, body: { error: { code: 'provider-unavailable' } } });
    stage.oidc.settings = { ...settings, issuer: 'http://127.0.0.1:9' };
    expect((await start()).answer.status).toBe(503);
    // Plain HTTP beyond this machine is never spoken.
    stage.oidc.settings = { ...settings, issuer: 'http://idp.example.com' };
    expect((await start()).answer.status).toBe(503);
    stage.oidc.settings = null;
    expect((await start()).answer.status).toBe(404);
    stage.oidc.settings = settings;
    provider.broken = null;
    expect((await signIn(person('anna'))).answer.status).toBe(302);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { authenticateSession, endSessionsOf } from '../../../fleet/sign-in/session.ts';
import { removeSpentSignIns } from '../../../fleet/sign-in/spent.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { CONSOLE, openStage, PASSWORD, type Stage } from './stage.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describeWithDatabase('sign-in with a local account', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    expect(stage.faults).toEqual([]);
    expect((await verifyAudit(stage.db, stage.tenant)).broken).toBeNull();
    await stage?.close();
  });

  const signIn = (user: string, more: Record<string, unknown> = {}, cookie?: string) =>
    stage.post('/api/v1/sign-in', { user, password: PASSWORD, ...more }, cookie);

  it('leads from the first-day link over password and second factor to all rights', async () => {
    const token = await stage.link('anna@example.com');
    const first = await stage.post('/api/v1/sign-in/link', { token, password: PASSWORD });
    expect(first).toMatchObject({ status: 200, body: { next: 'set-up-second-factor' } });
    expect(first.setCookies[0]).toMatch(/^__Host-deskwarden=[\w-]{43}; Path=\/; Max-Age=43200; Secure; HttpOnly; SameSite=Strict$/);
    const before = await stage.get('/api/v1/session', first.cookie ?? '');
    expect(before.body).toMatchObject({ account: { name: 'anna@example.com' }, profiles: ['FleetAdmin'], mfaAt: null, permissions: [] });
    expect(await stage.get('/api/v1/audit', first.cookie ?? '')).toMatchObject({ status: 403, body: { error: { code: 'mfa-required' } } });

    const offer = await stage.post('/api/v1/sign-in/second-factor/offer', undefined, first.cookie ?? '');
    expect(offer.body.uri).toContain('otpauth://totp/Deskwarden:anna%40example.com?');
    const wrong = await stage.post('/api/v1/sign-in/second-factor', { code: '000000' }, first.cookie ?? '');
    expect(wrong).toMatchObject({ status: 401, body: { error: { code: 'sign-in-refused' } } });
  });

  it('raises the session by a new token; the old one opens nothing', async () => {
    const { cookie, code, firstCookie } = await stage.enrol('ben');
    const after = await stage.get('/api/v1/session', cookie);
    expect(after.body.permissions).toContain('Audit.View');
    expect(after.body.mfaAt).not.toBeNull();
    expect((await stage.get('/api/v1/audit', cookie)).status).toBe(200);
    expect((await stage.get('/api/v1/session', firstCookie)).status).toBe(401);
    // Once more, as for what asks for a second factor of the last five minutes.
    const fresh = await stage.post('/api/v1/sign-in/second-factor', { code: code() }, cookie);
    const then = await stage.get('/api/v1/session', fresh.cookie ?? '');
    expect(Date.parse(String(then.body.mfaAt))).toBeGreaterThan(Date.parse(String(after.body.mfaAt)));
    expect(then.body.expiresAt).toBe(after.body.expiresAt);
  });

  it('does not offer a second secret over one that is in use', async () => {
    const { cookie } = await stage.enrol('carl');
    const again = await stage.post('/api/v1/sign-in/second-factor/offer', undefined, cookie);
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
  });

  it('asks for the code once the password was right, and takes each code once', async () => {
    const dora = await stage.enrol('dora');
    expect(await signIn('dora')).toMatchObject({ status: 401, body: { error: { code: 'second-factor-needed' } } });
    const code = dora.code();
    const answers = await Promise.all([signIn('dora', { code }), signIn('dora', { code })]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
    expect((await signIn('dora', { code })).status).toBe(401);
  });

  it('gives one answer for a wrong password, an unknown user, tenant or account that is disabled, after the same work', async () => {
    const emil = await stage.enrol('emil');
    const frank = await stage.enrol('frank');
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx.updateTable('account').set({ disabled_at: stage.now() }).where('id', '=', frank.account).execute(),
    );
    const bodies = new Set<string>();
    for (const request of [
      { user: 'emil', password: 'wrong' },
      { user: 'nobody', password: 'wrong' },
      { user: 'frank', password: PASSWORD },
      { user: 'EMIL', password: PASSWORD },
      { user: 'emil', password: PASSWORD, tenant: 'elsewhere' },
      { user: '\u0000 ; drop', password: 'wrong' },
      { user: 'emil', password: PASSWORD, code: emil.code().replace(/.$/, (digit) => String((Number(digit) + 5) % 10)) },
    ]) {
      const before = stage.scrypts();
      const { status, body, cookie } = await stage.post('/api/v1/sign-in', request);
      expect({ status, cookie, work: stage.scrypts() - before }, JSON.stringify(request)).toEqual({ status: 401, cookie: null, work: 1 });
      bodies.add(JSON.stringify(body));
    }
    expect(bodies.size).toBe(1);
    const rules = (await stage.records()).slice(-6).map(({ decision }) => decision?.rule);
    expect(rules).toEqual(
      ['wrong-password', 'unknown-user', 'disabled', 'unknown-user', 'unknown-user', 'wrong-code'].map((why) => `sign-in.${why}`),
    );
  });

  it('keeps out who guesses on one account, and nobody else', async () => {
    const gina = await stage.enrol('gina');
    const codes: unknown[] = [];
    for (let guess = 0; guess < 12; guess += 1)
      codes.push((await stage.post('/api/v1/sign-in', { user: 'gina', password: `guess ${guess}` })).status);
    expect(codes.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(codes.slice(10)).toEqual([429, 429]);
    expect((await signIn('gina', { code: gina.code() })).status).toBe(429);
    // Who is in stays in, and others come in.
    expect((await stage.get('/api/v1/session', gina.cookie)).status).toBe(200);
    const emil = await stage.enrol('emilia');
    expect((await signIn('emilia', { code: emil.code() })).status).toBe(200);
    stage.advance(16 * MINUTE_MS);
    expect((await signIn('gina', { code: gina.code() })).status).toBe(200);
  });

  it('F4 analogue: ends the sessions of who is disabled with their next call', async () => {
    const hugo = await stage.enrol('hugo');
    expect((await stage.get('/api/v1/session', hugo.cookie)).status).toBe(200);
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      tx.updateTable('account').set({ disabled_at: stage.now() }).where('id', '=', hugo.account).execute(),
    );
    expect(await stage.get('/api/v1/session', hugo.cookie)).toMatchObject({ status: 401, body: { error: { code: 'not-signed-in' } } });
    expect(await authenticateSession(stage.db, hugo.cookie, stage.now())).toBeNull();
    await stage.db.within({ tenant: stage.tenant }, async (tx) => {
      expect(await endSessionsOf(tx, hugo.account, stage.now())).toBe(1);
      await tx.updateTable('account').set({ disabled_at: null }).where('id', '=', hugo.account).execute();
    });
    expect((await stage.get('/api/v1/session', hugo.cookie)).status).toBe(401);
  });

  describe('sessions', () => {
    it('end after 60 minutes without a call', async () => {
      const { cookie } = await stage.enrol('ida');
      stage.advance(58 * MINUTE_MS);
      expect((await stage.get('/api/v1/session', cookie)).status).toBe(200);
      stage.advance(59 * MINUTE_MS);
      expect((await stage.get('/api/v1/session', cookie)).status).toBe(200);
      stage.advance(60 * MINUTE_MS);
      expect((await stage.get('/api/v1/session', cookie)).status).toBe(401);
    });

    it('end after 12 hours, however busy', async () => {
      const { cookie } = await stage.enrol('jan');
      for (let half = 0; half < 23; half += 1) {
        stage.advance(30 * MINUTE_MS);
        expect((await stage.get('/api/v1/session', cookie)).status).toBe(200);
      }
      stage.advance(30 * MINUTE_MS);
      expect((await stage.get('/api/v1/session', cookie)).status).toBe(401);
    });

    it('end by signing out', async () => {
      const { cookie } = await stage.enrol('kim');
      const out = await stage.post('/api/v1/sign-out', undefined, cookie);
      expect(out.status).toBe(204);
      expect(out.setCookies[0]).toContain('__Host-deskwarden=; Path=/; Max-Age=0;');
      expect((await stage.get('/api/v1/session', cookie)).status).toBe(401);
    });

    it('start with a token of their own: one that was planted, or of an earlier session, opens nothing afterwards', async () => {
      const lea = await stage.enrol('lea');
      const planted = `__Host-deskwarden=${'A'.repeat(43)}`;
      const answer = await signIn('lea', { code: lea.code() }, planted);
      expect(answer.cookie).not.toBe(planted);
      expect((await stage.get('/api/v1/session', planted)).status).toBe(401);
      stage.advance(MINUTE_MS);
      const again = await signIn('lea', { code: lea.code() }, answer.cookie ?? '');
      expect((await stage.get('/api/v1/session', answer.cookie ?? '')).status).toBe(401);
      expect((await stage.get('/api/v1/session', again.cookie ?? '')).status).toBe(200);
    });

    it('leave no token in the database', async () => {
      const { cookie } = await stage.enrol('max');
      const token = cookie.split('=')[1] ?? '';
      const rows = await stage.db.within({ tenant: stage.tenant }, (tx) => tx.selectFrom('session').selectAll().execute());
      expect(rows.length).toBeGreaterThan(0);
      expect(JSON.stringify(rows)).not.toContain(token);
      expect(rows.every(({ token_hash }) => !token_hash.equals(Buffer.from(token, 'base64url')))).toBe(true);
    });
  });

  it.each([
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['a sandboxed frame', { origin: 'null' }, 403],
    ['a neighbouring host', { origin: 'https://x.console.example.com' }, 403],
    ['plain HTTP', { origin: 'http://console.example.com' }, 403],
    ['no origin and no header', {}, 403],
    ['another site, whatever else it says', { origin: CONSOLE, 'sec-fetch-site': 'cross-site' }, 403],
    ['another site of the same company', { 'x-deskwarden': '1', 'sec-fetch-site': 'same-site' }, 403],
    ['the console', { origin: CONSOLE, 'sec-fetch-site': 'same-origin' }, 401],
    ['a program', { 'x-deskwarden': '1' }, 401],
  ])('takes a change from its own pages alone: %s', async (_, headers, status) => {
    const reply = await stage.app.inject({
      method: 'POST',
      url: '/api/v1/sign-out',
      headers: headers as Record<string, string>,
    });
    expect(reply.statusCode).toBe(status);
  });

  describe('one-time links', () => {
    it('work once, of however many at once', async () => {
      const token = await stage.link('nora');
      const answers = await Promise.all(Array.from({ length: 5 }, () => stage.post('/api/v1/sign-in/link', { token, password: PASSWORD })));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401, 401]);
      expect((await stage.post('/api/v1/sign-in/link', { token, password: PASSWORD })).status).toBe(401);
    });

    it('work for 15 minutes', async () => {
      const token = await stage.link('olga');
      stage.advance(15 * MINUTE_MS);
      expect((await stage.post('/api/v1/sign-in/link', { token, password: PASSWORD })).status).toBe(401);
    });

    it('end what the account had before', async () => {
      const paul = await stage.enrol('paul');
      const token = await stage.link('paul');
      expect((await stage.get('/api/v1/session', paul.cookie)).status).toBe(200);
      const other = 'another horse battery staple';
      expect((await stage.post('/api/v1/sign-in/link', { token, password: other })).status).toBe(200);
      expect((await stage.get('/api/v1/session', paul.cookie)).status).toBe(401);
      expect((await signIn('paul', { code: paul.code() })).status).toBe(401);
      expect((await signIn('paul', { password: other })).body.next).toBe('set-up-second-factor');
    });

    it('set no password that is easily guessed, and are not used up by the try', async () => {
      const token = await stage.link('quin');
      expect((await stage.post('/api/v1/sign-in/link', { token, password: 'short' })).status).toBe(400);
      expect((await stage.post('/api/v1/sign-in/link', { token, password: PASSWORD })).status).toBe(200);
    });
  });

  it('F6: opens break-glass with a reason, for an hour, as an emergency that counts its uses', async () => {
    const rita = await stage.enrol('rita');
    await stage.giveProfiles(rita.account, ['BreakGlass']);
    expect(await signIn('rita', { code: rita.code() })).toMatchObject({ status: 400, body: { error: { path: 'body.reason' } } });
    const reason = 'the identity provider is down';
    const opened = await signIn('rita', { code: rita.code(), reason });
    expect(opened.status).toBe(200);
    expect(Date.parse(String(opened.body.expiresAt)) - stage.now().getTime()).toBeLessThanOrEqual(HOUR_MS);
    const event = (await stage.records()).findLast(({ action }) => action === 'sign-in.break-glass');
    expect(event).toMatchObject({ emergency: true, count: 1, actor: { kind: 'account', id: rita.account, mfa: true } });
    expect(JSON.stringify(await stage.records())).not.toContain(reason);
    stage.advance(30 * MINUTE_MS);
    expect((await stage.get('/api/v1/session', opened.cookie ?? '')).status).toBe(200);
    stage.advance(30 * MINUTE_MS);
    expect((await stage.get('/api/v1/session', opened.cookie ?? '')).status).toBe(401);
    await signIn('rita', { code: rita.code(), reason });
    expect((await stage.records()).findLast(({ action }) => action === 'sign-in.break-glass')?.count).toBe(2);
  });

  it('takes away what is long over', async () => {
    await stage.enrol('sven');
    stage.advance(40 * 24 * HOUR_MS);
    const left = await stage.db.within({ tenant: stage.tenant }, async (tx) => {
      expect(await removeSpentSignIns(tx, stage.now())).toBeGreaterThan(1);
      return [await tx.selectFrom('session').select('id').execute(), await tx.selectFrom('sign_in_link').select('account_id').execute()];
    });
    expect(left).toEqual([[], []]);
  });
});

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { signInAsAdmin } from '../signed-in.ts';
import { type AuditWatch, watchAudit } from './audit-watch.ts';

const HOUR_MS = 3_600_000;
const SESSION = '/api/v1/session';
const NAME = '__Host-deskwarden';

describeWithDatabase("people's sessions over the wire", () => {
  let server: RunningServer;
  let audit: AuditWatch;
  let ahead = 0;
  beforeAll(async () => {
    server = await runServer({ now: () => new Date(Date.now() + ahead) });
    audit = watchAudit(server);
  });
  afterAll(() => server.close());

  const ask = (cookie: string, headers = {}) =>
    audit.harmless(() => server.console({ path: SESSION, headers: { cookie, ...headers } }), cookie);

  it('are recorded with the address of the connection, whatever a header says', async () => {
    const { cookie } = await signInAsAdmin(server);
    const forged = {
      ...{ 'x-forwarded-for': '203.0.113.9, 127.0.0.1', 'x-real-ip': '203.0.113.9', 'true-client-ip': '203.0.113.9' },
      ...{ forwarded: 'for="203.0.113.9";proto=https', 'cf-connecting-ip': '203.0.113.9', via: '1.1 203.0.113.9' },
      'user-agent': `tester ${'x'.repeat(500)}`,
    };
    expect((await ask(cookie, forged)).status).toBe(200);
    const record = await audit.last();
    if (!record) throw new Error('no record');
    const source = await audit.sourceOf(record);
    expect(source.address).toBe('127.0.0.1');
    expect(source.userAgent).toMatch(/^tester x+$/);
    expect(source.userAgent).toHaveLength(300);
    expect(JSON.stringify(record)).not.toContain('203.0.113.9');
  });

  it('end: the cookie of one that was signed out, lay idle or grew too old opens nothing', async () => {
    const { cookie } = await signInAsAdmin(server);
    expect((await ask(cookie)).status).toBe(200);
    const out = await server.console({ method: 'POST', path: '/api/v1/sign-out', headers: { cookie } });
    expect(out.status).toBeLessThan(300);
    expect((await ask(cookie)).status).toBe(401);
    const idle = await signInAsAdmin(server);
    ahead += HOUR_MS + 1_000;
    expect((await ask(idle.cookie)).status).toBe(401);
    const busy = await signInAsAdmin(server);
    for (let used = 0; used < 16; used += 1) {
      expect((await server.console({ path: SESSION, headers: { cookie: busy.cookie } })).status).toBe(200);
      ahead += (12 * HOUR_MS) / 16;
    }
    ahead += 1_000;
    expect((await ask(busy.cookie)).status).toBe(401);
    expect(await audit.last('00000000-0000-0000-0000-000000000000')).toMatchObject({ status: 401, actor: { kind: 'nobody' } });
  });

  it('take no token that somebody planted before the sign-in, nor that of before the second factor', async () => {
    const planted = `${NAME}=${randomBytes(32).toString('base64url')}`;
    const seen: string[] = [];
    const spying = {
      ...server,
      console: async (asked: Parameters<RunningServer['console']>[0]) => {
        const reply = await server.console({ ...asked, headers: { cookie: planted, ...asked.headers } });
        for (const set of [reply.headers['set-cookie'] ?? []].flat()) seen.push(set);
        return reply;
      },
    };
    const { cookie } = await signInAsAdmin(spying);
    expect(cookie).not.toBe(planted);
    expect((await ask(planted)).status).toBe(401);
    const [first, second] = seen.map((set) => set.split(';')[0] ?? '');
    expect(second).toBe(cookie);
    expect((await ask(first ?? '')).status).toBe(401);
    for (const set of seen) expect(set).toMatch(/^__Host-deskwarden=[\w-]{43}; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/);
    expect((await ask(cookie)).status).toBe(200);
  });

  it('are read from one well-formed cookie alone', async () => {
    const { cookie } = await signInAsAdmin(server);
    const token = cookie.split('=')[1] ?? '';
    const odd = [
      `${NAME}=${token}; ${NAME}=${randomBytes(32).toString('base64url')}`,
      `${NAME}="${token}"`,
      `${NAME}=${encodeURIComponent(`${token}\u0000`)}`,
      `${NAME}=%${token.charCodeAt(0).toString(16)}${token.slice(1)}`,
      `${NAME}=${token}=`,
      `${NAME}=${token.toLowerCase()}x`,
      `${NAME.toLowerCase()}=${token}`,
      `deskwarden=${token}`,
      `${NAME}=${Buffer.from(token).toString('latin1')}\u00ff\u00fe`,
      `${NAME}=${'a'.repeat(8_000)}`,
      `${NAME}=../../etc/passwd`,
      `${NAME}=' or 1=1 --`,
      ';'.repeat(2_000),
      '=',
      '',
    ];
    for (const one of odd) expect((await ask(one)).status, one.slice(0, 80)).toBe(401);
    expect((await ask(`a=b; ${NAME}=${token} ; c=\u00e9`)).status).toBe(200);
    expect((await ask(`${NAME}=${token}; ${NAME}=${token}`)).status).toBe(200);
  });

  it('change nothing at another site’s bidding', async () => {
    const { cookie } = await signInAsAdmin(server);
    const own = 'https://127.0.0.1:8443';
    const change = (headers: Record<string, string>) =>
      audit.harmless(
        () =>
          server.console({
            method: 'POST',
            path: '/api/v1/groups',
            body: { name: `g${randomBytes(4).toString('hex')}`, parent: null },
            headers: { cookie, 'x-deskwarden': '', ...headers },
          }),
        JSON.stringify(headers),
      );
    const groups = async () =>
      ((await server.console({ path: '/api/v1/groups', headers: { cookie } })).body as { items: unknown[] }).items.length;
    const before = await groups();
    for (const headers of [
      {},
      { 'x-deskwarden': '0' },
      { origin: 'https://evil.example.com', 'x-deskwarden': '1' },
      { origin: 'null', 'x-deskwarden': '1' },
      { origin: `${own}.example.com`, 'x-deskwarden': '1' },
      { origin: own.replace('https', 'http'), 'x-deskwarden': '1' },
      { origin: own, 'sec-fetch-site': 'cross-site' },
      { 'x-deskwarden': '1', 'sec-fetch-site': 'same-site' },
      { referer: `${own}/`, 'content-type': 'text/plain' },
    ]) {
      const reply = await change(headers as Record<string, string>);
      expect([reply.status, (reply.body as { error: { code: string } }).error.code], JSON.stringify(headers)).toEqual([
        403,
        'forged-request',
      ]);
    }
    expect(await groups()).toBe(before);
    expect((await change({ origin: own, 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    expect((await change({ 'x-deskwarden': '1' })).status).toBe(201);
    const preflight = await server.console({
      method: 'OPTIONS',
      path: '/api/v1/groups',
      headers: { origin: 'https://evil.example.com', 'access-control-request-method': 'POST' },
    });
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});

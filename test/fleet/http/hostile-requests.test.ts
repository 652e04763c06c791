import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { repoRoot } from '../../../build/repo.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import type { Route } from '../../../fleet/http/route.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type Ask, type Reply, type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';
import { bodiesOf } from './schema-bodies.ts';

/** Node itself refuses a head of more than 16 KiB, before there is a call (ADR 0016). */
const HEAD_TOO_LARGE = 431;
const seed = Number(process.env.DESKWARDEN_SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.DESKWARDEN_FUZZ ?? 12);
const hostile = [
  "' or 1=1 --",
  '../../etc/passwd',
  '%2e%2e%2f',
  '\u0000',
  '\ud800',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what loggers of other languages would look up
  '${jndi:ldap://x}',
  '<script>',
  'a'.repeat(400),
  '-1',
  '1e999',
  '__proto__',
];

describeWithDatabase("a stranger's requests", () => {
  let server: RunningServer;
  let admin: Person;
  beforeAll(async () => {
    server = await runServer();
    admin = await signInAsAdmin(server);
  });
  afterAll(() => server.close());

  const recorded = async () => {
    const counts = [];
    for (const tenant of [NIL_ID, server.tenant]) {
      counts.push(
        await server.store.db.within({ tenant }, async (tx) => {
          const row = await tx.selectFrom('audit_head').select('seq').where('tenant_id', '=', tenant).executeTakeFirst();
          return Number(row?.seq ?? 0);
        }),
      );
    }
    return counts.reduce((sum, count) => sum + count, 0);
  };

  async function harmless(send: () => Promise<Reply>, what: string): Promise<Reply> {
    const before = await recorded();
    const reply = await send();
    expect(reply.status, `${what}: ${reply.text.slice(0, 300)}`).toBeLessThan(500);
    expect(reply.text, what).not.toMatch(/at .*\.ts:\d|select |insert into|node_modules/i);
    expect(reply.text, what).not.toContain(repoRoot);
    expect((await recorded()) - before, `${what}: one record in the audit (${reply.status})`).toBe(reply.status === HEAD_TOO_LARGE ? 0 : 1);
    return reply;
  }

  const consoleRoutes = () => server.server.routes.filter(({ listener }) => listener === 'console');

  it(`answers every console route, fuzzed from its schema, seed ${seed}`, { timeout: 240_000 }, async () => {
    for (const route of consoleRoutes()) {
      if (route.path === '/api/v1/sign-out' || route.path.startsWith('/api/v1/sign-in')) continue;
      await fc.assert(
        fc.asyncProperty(asks(route), async (ask) => {
          await harmless(() => admin.ask(ask), `${ask.method} ${ask.path} ${JSON.stringify(ask.body)?.slice(0, 300)}`);
        }),
        { seed, numRuns: RUNS },
      );
    }
  });

  it('answers every device route to whoever has no certificate', async () => {
    for (const route of server.server.routes.filter(({ listener }) => listener === 'device')) {
      const path = route.path.replace(/:\w+/g, 'policy');
      const ask: Ask = { method: route.method, path, ...(route.method === 'POST' && { body: {} }) };
      const reply = await harmless(() => server.device(ask), `${route.method} ${path}`);
      if (route.path.endsWith('/trust')) expect(reply.status).toBe(200);
      else expect([400, 401]).toContain(reply.status);
    }
  });

  const raw: [string, Ask][] = [
    ['deep JSON', { method: 'POST', path: '/api/v1/sign-in', body: `${'['.repeat(50_000)}${']'.repeat(50_000)}` }],
    ['a huge body', { method: 'POST', path: '/api/v1/sign-in', body: `{"tenant":"${'a'.repeat(3_000_000)}"}` }],
    [
      'another charset',
      { method: 'POST', path: '/api/v1/sign-in', body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
    ],
    [
      'bytes that are no UTF-8',
      { method: 'POST', path: '/api/v1/sign-in', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) },
    ],
    ['a form', { method: 'POST', path: '/api/v1/sign-in', body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    [
      'keys of the prototype',
      { method: 'POST', path: '/api/v1/sign-in', body: '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}' },
    ],
    ['no JSON', { method: 'POST', path: '/api/v1/sign-in', body: '{"tenant": ' }],
    ['nothing', { method: 'POST', path: '/api/v1/sign-in', body: '' }],
    ['a path that is not there', { path: '/api/v1/nothing-here' }],
    ['a path upwards', { path: '/api/v1/../../etc/passwd' }],
    ['a path upwards in disguise', { path: '/api/v1/%2e%2e/%2e%2e/etc/passwd' }],
    ['a percent sign alone', { path: '/api/v1/desks/%' }],
    ['another method', { method: 'DELETE', path: '/api/v1/session' }],
    ['no origin', { method: 'POST', path: '/api/v1/sign-out', headers: { 'x-deskwarden': '' } }],
    ['a foreign origin', { method: 'POST', path: '/api/v1/sign-out', headers: { origin: 'https://evil.example.com' } }],
    ['a made-up session', { path: '/api/v1/session', headers: { cookie: `__Host-deskwarden=${'A'.repeat(43)}` } }],
    ['SQL', { path: "/api/v1/desks?host='%20or%201=1;drop%20table%20device--" }],
    ['a forged address', { path: '/api/v1/session', headers: { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' } }],
  ];
  it.each(raw)('refuses %s', async (what, ask) => {
    const reply = await harmless(() => server.console(ask), what);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(z.object({ error: z.object({ code: z.string() }) }).safeParse(reply.body).success, reply.text).toBe(true);
  });

  it('answers for an unseen tenant’s desk as for one that does not exist', async () => {
    const [first, second] = [
      await admin.ask({ path: `/api/v1/desks/${randomUUID()}` }),
      await admin.ask({ path: `/api/v1/desks/${randomUUID()}` }),
    ];
    expect(first.status).toBe(404);
    expect(second.text).toBe(first.text);
  });

  /** Requests that fit the route's schemas, and such as almost do. */
  function asks(route: Route): fc.Arbitrary<Ask> {
    const names = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '');
    const text = fc.oneof(fc.uuid(), fc.constantFrom(...hostile), fc.string({ maxLength: 40 }));
    const segment = text.map((one) => encodeURIComponent(one.toWellFormed()) || 'x');
    return fc
      .record({
        params: fc.record(Object.fromEntries(names.map((name) => [name, segment]))),
        query: route.shapes.query ? fc.option(bodiesOf(route.shapes.query), { nil: undefined }) : fc.constant(undefined),
        body: route.shapes.body ? bodiesOf(route.shapes.body) : fc.constant(undefined),
      })
      .map(({ params, query, body }) => {
        const path = route.path.replace(/:(\w+)/g, (_all, name: string) => (params as Record<string, string>)[name] ?? 'x');
        const search = new URLSearchParams(
          Object.entries((query ?? {}) as object).map(([key, value]): [string, string] => [key, String(value).toWellFormed()]),
        ).toString();
        return { method: route.method, path: search ? `${path}?${search}` : path, ...(route.method !== 'GET' && { body: body ?? {} }) };
      });
  }
});

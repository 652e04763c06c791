import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { z } from 'zod';
import type { Route } from '../../../fleet/http/route.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { aReport, failing } from '../intake/desk-reports.ts';
import { type Ask, type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';
import { enrolDesks, furtherTenant, makeTicket } from './enrolled-desks.ts';
import { bodiesOf } from './schema-bodies.ts';

const MARK = 'of-the-others';
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const AT_ONCE = 6;
/** Whose id a route means, by the word before it. Of all else three others are tried. */
const meant: Readonly<Record<string, string>> = {
  ...{ desks: 'device', enrolments: 'device', groups: 'hierarchy_group', profiles: 'security_profile' },
  ...{ accounts: 'account', tickets: 'ticket', instances: 'instance', sessions: 'session' },
};
const OTHERS = Number(process.env.DESKWARDEN_FUZZ ?? 3);
/** A job notes when it last ran, whoever calls. */
const notTheirs = new Set(['job_run']);

describeWithDatabase("another tenant's ids", () => {
  let server: RunningServer;
  let admin: Person;
  let theirs: { tenant: string; instance: string };
  let client: pg.Client;
  let tables: string[];
  let ids: string[];
  const tableOf = new Map<string, string>();
  beforeAll(async () => {
    server = await runServer();
    theirs = await furtherTenant(server, 'others');
    admin = await signInAsAdmin(server);
    await fill({ ...server, ...theirs });
    client = new pg.Client({ connectionString: server.database.adminUrl });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
       where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace order by 1`,
    );
    tables = rows.map(({ name }) => name).filter((name) => !notTheirs.has(name));
    ids = await idsOf(theirs.tenant);
  }, 60_000);
  afterAll(async () => {
    await client?.end();
    await server.close();
  });

  /** Something in as many tables as an administrator and a desk can fill through the APIs. */
  async function fill(there: RunningServer): Promise<void> {
    const chief = await signInAsAdmin(there, `chief-${MARK}`);
    const post = async (path: string, body: unknown) => {
      const { status, text, body: answer } = await chief.ask({ method: 'POST', path, body });
      if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
      return answer as { id: string };
    };
    const [desk] = await enrolDesks(there, chief, 1);
    if (!desk) throw new Error('no desk');
    await makeTicket(chief, there.instance);
    const finding = failing('network.turn-udp', 'udp-blocked', { evidence: { host: MARK } });
    const report = aReport(desk.device, { epoch: randomUUID(), standing: 'blocked', causes: ['network.turn-udp'], findings: [finding] });
    expect((await desk.ask({ method: 'POST', path: '/device/v1/reports', body: report })).status).toBe(200);
    const group = await post('/api/v1/groups', { name: `group-${MARK}`, parent: null });
    await post('/api/v1/profiles', { name: `profile-${MARK}`, permissions: ['Devices.View'] });
    expect(group.id).toMatch(UUID);
  }

  /** Of everything that has an id of its own. */
  async function idsOf(tenant: string): Promise<string[]> {
    const found = new Set([tenant, theirs.instance]);
    tableOf.set(theirs.instance, 'instance');
    for (const table of tables) {
      const { rows } = await client.query<{ row: Record<string, unknown> }>(
        `select to_jsonb(t) as row from ${table} t where tenant_id = $1 and to_jsonb(t) ? 'id' limit 2`,
        [tenant],
      );
      for (const { row } of rows) {
        if (typeof row.id !== 'string' || row.id.replace(UUID, '') !== '') continue;
        found.add(row.id);
        tableOf.set(row.id, table);
      }
    }
    return [...found].sort();
  }

  async function checksums(tenant: string): Promise<Record<string, string>> {
    const sums: Record<string, string> = {};
    for (const table of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${table} t where tenant_id = $1 order by 1`, [
        tenant,
      ]);
      if (rows.length > 0) sums[table] = `${rows.length} ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`;
    }
    return sums;
  }

  /** One that fits the schema, where one is found. */
  function fitting(shape: z.ZodType | undefined): string {
    if (!shape) return '{}';
    const samples = fc.sample(bodiesOf(shape), { seed: 7, numRuns: 60 });
    return JSON.stringify(samples.find((one) => shape.safeParse(one).success) ?? {});
  }

  function asksOf(route: Route): Ask[] {
    const [body, query] = [fitting(route.shapes.body), fitting(route.shapes.query)];
    const wanted = new Set([...route.path.matchAll(/([a-z-]+)\/:/g)].map(([, word = '']) => meant[word] ?? ''));
    const named = ids.filter((id) => wanted.has(tableOf.get(id) ?? 'tenant'));
    const others = ids.filter((id) => !named.includes(id)).slice(0, OTHERS);
    return [...named, ...others].map((id, salt) => {
      let next = salt;
      const withTheirs = (text: string) => JSON.parse(text.replace(UUID, () => ids[next++ % ids.length] ?? '')) as Record<string, unknown>;
      const pairs = Object.entries(withTheirs(query)).map(([key, value]): [string, string] => [key, String(value).toWellFormed()]);
      const search = new URLSearchParams(pairs).toString();
      const path = route.path.replace(/:\w+/g, id) + (search && `?${search}`);
      return { method: route.method, path, ...(route.method !== 'GET' && { body: withTheirs(body) }) };
    });
  }

  it('open nothing and change nothing, in whatever place of whatever route', { timeout: 120_000 }, async () => {
    expect(ids.length).toBeGreaterThan(8);
    const before = await checksums(theirs.tenant);
    expect(Object.keys(before).length).toBeGreaterThan(15);
    const answered = new Map<string, number>();
    const routes = server.server.routes.filter(({ listener, path }) => listener === 'console' && !/sign-(in|out)/.test(path));
    for (const route of routes) {
      const asks = asksOf(route);
      for (let first = 0; first < asks.length; first += AT_ONCE) {
        await Promise.all(
          asks.slice(first, first + AT_ONCE).map(async (ask) => {
            const { status, text } = await admin.ask(ask);
            const what = `${ask.method} ${ask.path} ${JSON.stringify(ask.body)}: ${status} ${text.slice(0, 300)}`;
            answered.set(`${status}`, (answered.get(`${status}`) ?? 0) + 1);
            expect(text, what).not.toContain(MARK);
            const sent = `${ask.path} ${JSON.stringify(ask.body)}`;
            for (const id of text.match(UUID) ?? []) if (!sent.includes(id)) expect(ids, what).not.toContain(id);
            expect(status, what).toBeLessThan(500);
            if (!route.path.includes('/:') || text === '{"items":[],"next":null}') return;
            expect([400, 403, 404], what).toContain(status);
          }),
        );
      }
    }
    expect(await checksums(theirs.tenant)).toEqual(before);
    expect(answered.get('404') ?? 0).toBeGreaterThan(50);
  });

  it('are answered as ids that nobody has', { timeout: 60_000 }, async () => {
    for (const route of server.server.routes.filter(
      ({ listener, method, path }) => listener === 'console' && method === 'GET' && /\/:/.test(path),
    )) {
      const given = route.path.replace(/:(kind|revision)/g, (_all, name) => (name === 'kind' ? 'policy' : '1'));
      if (!given.includes('/:')) continue;
      for (const id of ids.slice(0, 3)) {
        const made = randomUUID();
        const [known, unknown] = await Promise.all([
          admin.ask({ path: given.replace(/:\w+/g, id) }),
          admin.ask({ path: given.replace(/:\w+/g, made) }),
        ]);
        expect([known.status, known.text.replaceAll(id, 'ID')], route.path).toEqual([unknown.status, unknown.text.replaceAll(made, 'ID')]);
      }
    }
  });
});

import { randomUUID } from 'node:crypto';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { DocumentsAnswer } from '../../../contracts/fleet-api.ts';
import { type Actor, nobodyIn } from '../../../fleet/access/actor.ts';
import { type Permission, permissions } from '../../../fleet/access/permission.ts';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { documentRoutes } from '../../../fleet/documents/routes.ts';
import { mount } from '../../../fleet/http/frame.ts';
import { publishRoutes } from '../../../fleet/policies/publish-routes.ts';
import { revisionRoutes } from '../../../fleet/policies/revision-routes.ts';
import { waiverRoutes } from '../../../fleet/waivers/routes.ts';
import { openStage, policyText, type Stage } from '../documents/open-stage.ts';

let stage: Stage;
let app: FastifyInstance;
let desk = '';
const actors = new Map<string, Actor>();
const faults: unknown[] = [];

beforeAll(async () => {
  stage = await openStage();
  desk = await stage.addDesk();
  const { db } = await stage.replica();
  app = fastify();
  const routes = [
    ...documentRoutes(stage.deps),
    ...revisionRoutes({ allowlistOf: async () => bundledAllowlist }),
    ...publishRoutes(stage.deps),
    ...waiverRoutes(stage),
  ];
  mount(app, routes, {
    db,
    now: stage.now,
    async identify(request) {
      const actor = actors.get(String(request.headers['x-test-account'])) ?? null;
      const device = request.url.startsWith('/device/')
        ? { tenant: stage.tenant, instance: stage.instance.id, device: desk, serial: '01', expired: false }
        : null;
      return { tenant: stage.tenant, account: actor?.account ?? null, session: null, mfaAt: null, device };
    },
    actorOf: async (_tx, caller) => actors.get(caller.account ?? '') ?? nobodyIn(stage.tenant),
    appendAudit: (tx, of, record) => appendAudit(tx, of, record),
    onFault: ({ error }) => void faults.push(error),
  });
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await stage.close();
});

async function person(granted: readonly Permission[] = Object.keys(permissions) as Permission[], mfaAgeMs = 0): Promise<Actor> {
  const account = await stage.addAccount(null);
  const profile = { id: randomUUID(), name: 'p', isDefault: false, permissions: granted, accessControl: null };
  const mfaAt = new Date(stage.now().getTime() - mfaAgeMs);
  const actor: Actor = { ...nobodyIn(stage.tenant), kind: 'account', account, profiles: [profile], mfaAt, mfaRequired: true };
  actors.set(account, actor);
  return actor;
}

async function call(actor: Actor | null, method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) {
  const headers = actor ? { 'x-test-account': actor.account } : {};
  const answer = await app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
}

const base = () => `/api/v1/instances/${stage.instance.id}`;

describe('over HTTP', () => {
  it('a policy is written, read, compared, published, assigned, fetched by a desk, and taken back', async () => {
    const one = await person();
    const put = (rest: string) => call(one, 'PUT', `${base()}/policies/floor`, { source: policyText('floor', rest) });
    expect(await put('')).toEqual({ status: 200, body: { revision: 1, changed: true } });
    expect(await put('')).toEqual({ status: 200, body: { revision: 1, changed: false } });
    expect((await put('network: { hosts: { rtc: [A.Example.COM] } }\n')).status).toBe(400);
    expect((await put('verdictTtlMs: 60000\n')).body).toEqual({ revision: 2, changed: true });
    expect((await call(one, 'GET', `${base()}/policies`)).body).toEqual({
      items: [{ policy: 'floor', newest: 2, published: null }],
      next: null,
    });
    expect((await call(one, 'GET', `${base()}/policies/floor/revisions?limit=1`)).body).toMatchObject({
      items: [{ revision: 2 }],
      next: '2',
    });
    const read = await call(one, 'GET', `${base()}/policies/floor/revisions/2`);
    expect(read.body).toMatchObject({
      source: policyText('floor', 'verdictTtlMs: 60000\n'),
      resolved: { id: 'floor', verdictTtlMs: 60_000 },
    });
    expect((await call(one, 'GET', `${base()}/policies/floor/diff?from=1&to=2`)).body.text).toBe('~ verdictTtlMs: 900000 -> 60000');
    expect((await call(one, 'POST', `${base()}/policies/floor/revisions/2/publish`, {})).body).toEqual({ document: 1 });
    const assigned = await call(one, 'POST', `${base()}/assignments`, { policy: 'floor', target: { kind: 'all' }, priority: 1 });
    expect(assigned.status).toBe(201);
    expect((await call(one, 'GET', `${base()}/assignments`)).body.items).toEqual([
      { id: assigned.body.id, policy: 'floor', target: { kind: 'all' }, priority: 1 },
    ]);
    const fetched = DocumentsAnswer.parse((await call(null, 'GET', '/device/v1/documents/policy?after=0')).body);
    expect(fetched.documents).toMatchObject([{ kind: 'policy', revision: 1 }]);
    expect((await call(null, 'GET', '/device/v1/documents/policy?after=1')).body.documents).toEqual([]);
    expect((await call(null, 'GET', '/device/v1/documents/keys?after=0')).body.documents).toEqual([]);
    expect((await call(one, 'POST', `${base()}/policies/floor/revisions/1/rollback`)).body).toEqual({ revision: 3 });
    expect((await call(one, 'DELETE', `${base()}/assignments/${assigned.body.id}`)).status).toBe(204);
    expect((await call(one, 'GET', `${base()}/documents/unsigned`)).body).toEqual({ items: [] });
    expect((await call(one, 'GET', '/api/v1/policies/schema')).body.title).toBe('Deskwarden policy');
    const validated = await call(one, 'POST', `${base()}/policies/validate`, { source: 'schema: 2\n' });
    expect(validated.body.problems[0]).toEqual({ line: 1, column: 1, key: 'id', message: 'is missing' });
  });

  it('a waiver, a release and a release code', async () => {
    const [one, other] = [await person(), await person()];
    const until = new Date(stage.now().getTime() + 3_600_000).toISOString();
    const ask = { instance: stage.instance.id, target: { kind: 'device', device: desk }, rule: 'network.dns', reason: 'why', until };
    const made = await call(one, 'POST', '/api/v1/waivers', ask);
    expect(made.status).toBe(201);
    expect((await call(other, 'POST', `/api/v1/waivers/${made.body.id}/approve`)).status).toBe(204);
    const listed = await call(one, 'GET', '/api/v1/waivers?state=active&limit=1');
    expect(listed.body.items).toMatchObject([{ id: made.body.id, reason: 'why', approvedBy: other.account, target: ask.target }]);
    expect((await call(null, 'GET', '/device/v1/documents/waivers?after=0')).body.documents).toHaveLength(1);
    expect((await call(one, 'POST', `/api/v1/waivers/${made.body.id}/end`)).status).toBe(204);
    const group = await stage.addGroup('g');
    const release = await call(one, 'POST', '/api/v1/group-releases', { instance: stage.instance.id, group, reason: 'why', until });
    expect(release.status).toBe(201);
    expect((await call(other, 'POST', `/api/v1/group-releases/${release.body.id}/approve`)).status).toBe(204);
    expect((await call(other, 'POST', `/api/v1/group-releases/${release.body.id}/end`)).status).toBe(204);
    expect((await call(one, 'GET', '/api/v1/group-releases')).body.items).toMatchObject([{ state: 'ended' }]);
    expect((await call(one, 'POST', `/api/v1/desks/${desk}/release-code`)).body.code).toMatch(/^\d{8}$/);
  });

  it('nothing without its permission, a fresh second factor where orders change, and nothing of another tenant', async () => {
    const [clerk, tired] = [await person(['Policies.View', 'Devices.View']), await person(undefined, 5 * 60_000 + 1)];
    const guarded: [string, 'POST' | 'PUT' | 'DELETE', string, object?][] = [
      ['publish', 'POST', `${base()}/policies/floor/revisions/3/publish`, {}],
      ['assign', 'POST', `${base()}/assignments`, { policy: 'floor', target: { kind: 'all' }, priority: 5 }],
      ['unassign', 'DELETE', `${base()}/assignments/${randomUUID()}`],
      ['sign', 'PUT', `${base()}/documents/policy/1/signature`, { signature: `${'A'.repeat(85)}A` }],
      ['approve', 'POST', `/api/v1/waivers/${randomUUID()}/approve`],
      ['release', 'POST', `/api/v1/group-releases/${randomUUID()}/approve`],
      ['code', 'POST', `/api/v1/desks/${desk}/release-code`],
    ];
    for (const [what, method, url, body] of guarded) {
      expect((await call(clerk, method, url, body)).body.error.code, what).toBe('forbidden');
      expect((await call(tired, method, url, body)).body.error.code, what).toBe('step-up-required');
      expect((await call(null, method, url, body)).status, what).toBe(401);
    }
    const elsewhere = `/api/v1/instances/${randomUUID()}`;
    expect((await call(clerk, 'GET', `${elsewhere}/policies`)).body.error).toEqual({ code: 'not-found', detail: 'there is no such thing' });
    const one = await person();
    for (const url of [`${base()}/policies/floor/revisions?after=x`, '/api/v1/waivers?after=x', `${base()}/policies/floor/revisions/0`])
      expect((await call(one, 'GET', url)).status, url).toBe(400);
  });

  it('no number of desks to whoever may not see them all', async () => {
    const [chief, lead] = [await person(), await person()];
    const [profile] = lead.profiles;
    if (!profile) throw new Error('no profile');
    const own = {
      hierarchy: { mode: 'own' as const },
      hierarchyRestrictedResources: ['Device' as const],
      tags: {},
      tagRestrictedResources: [],
    };
    actors.set(lead.account, { ...lead, profiles: [{ ...profile, accessControl: own }] });
    const enforce = 'base: none\nrules:\n  - { check: network.dns, on: { fail: block } }\ngate: { mode: enforce }\n';
    for (let more = 0; more < 40; more += 1) await stage.addDesk();
    await stage.publish('strict', enforce);
    const assign = (policy: string, priority: number, acceptDesks?: number) =>
      call(chief, 'POST', `${base()}/assignments`, { policy, target: { kind: 'all' }, priority, acceptDesks });
    expect((await assign('strict', 90)).body.error.detail).toContain('41 desks');
    expect((await assign('strict', 90, 41)).status).toBe(201);
    await stage.publish('mild', 'base: none\n');
    const above = await assign('mild', 91);

    const told = async (who: Actor, method: 'POST' | 'DELETE', url: string, payload?: object) => {
      const { status, body } = await call(who, method, url, payload);
      expect([status, body.error.code]).toEqual([409, 'preview-needed']);
      return /\d/.test(body.error.detail);
    };
    const end = `${base()}/assignments/${above.body.id}`;
    expect([await told(chief, 'DELETE', end), await told(lead, 'DELETE', end)]).toEqual([true, false]);

    const revision = await stage.draft('mild', enforce);
    const id = randomUUID();
    stage.advance(1_000);
    await stage.within(async (tx) => {
      const scope = { tenant_id: stage.tenant, instance_id: stage.instance.id };
      const { content_hash } = await tx
        .selectFrom('policy_revision')
        .select('content_hash')
        .where('policy_id', '=', 'mild')
        .where('revision', '=', revision)
        .executeTakeFirstOrThrow();
      const said = {
        status: 'done',
        complete: true,
        summary: JSON.stringify({ reached: 41, newlyBlocked: 17 }),
        made_at: stage.now(),
      } as const;
      await tx
        .insertInto('policy_preview')
        .values({ ...scope, id, policy_id: 'mild', content_hash, ...said })
        .execute();
    });
    const publish = `${base()}/policies/mild/revisions/${revision}/publish`;
    for (const body of [{}, { accept: { preview: id, blocks: 3 } }]) {
      expect([await told(chief, 'POST', publish, body), await told(lead, 'POST', publish, body)]).toEqual([true, false]);
    }
    expect((await call(lead, 'POST', publish, { accept: { preview: id, blocks: 17 } })).status).toBe(200);
  });

  it('meets no fault of its own', () => {
    expect(faults).toEqual([]);
  });
});

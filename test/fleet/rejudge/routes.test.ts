import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PreviewAnswer } from '../../../contracts/console/rejudge.ts';
import type { Policy } from '../../../contracts/policy.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
import { policyHash } from '../../../fleet/policies/policy-content.ts';
import { demandPreview } from '../../../fleet/policies/preview-gate.ts';
import { rejudgeRoutes } from '../../../fleet/rejudge/routes.ts';
import { actorIn, control, deviceRow, profile } from '../access/example-world.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type StagedConsole, stageConsole } from './staged-console.ts';
import { START_ISO, type StagedDesks, stageDesks } from './staged-desks.ts';
import { reported, storedCase, storedCases } from './stored-cases.ts';

describeWithDatabase('preview routes', () => {
  let stage: StagedDesks;
  let console: StagedConsole;
  let [berlin, munich] = ['', ''];
  const desks: string[] = [];
  const stop = new AbortController();
  const faults: unknown[] = [];
  const account = (
    accessControl: Parameters<typeof profile>[0],
    permissions: Parameters<typeof profile>[1] = ['Devices.View', 'Policies.View'],
  ): Actor => actorIn(null, [profile(accessControl, permissions)], { tenant: stage.tenant, account: randomUUID() });

  beforeAll(async () => {
    stage = await stageDesks();
    berlin = await stage.addGroup('Berlin');
    munich = await stage.addGroup('Munich');
    await stage.assign({}, 1);
    const degraded = storedCases.find(
      ({ check, row }) => check.id === 'network.turn-udp' && row.plan === undefined && row.outcome.kind === 'degraded',
    );
    if (!degraded) throw new Error('no such case');
    for (const [index, group] of [berlin, berlin, munich].entries()) {
      const desk = await stage.addDesk({ group, hostName: `desk${index}.example.com` });
      desks.push(desk);
      await stage.report(desk, 'caution', [reported(storedCase(degraded), START_ISO)]);
    }
    // More than one chunk, and none of them has ever reported.
    await stage.database.db.within({ tenant: stage.tenant }, async (tx) => {
      const { tenant, instance } = stage;
      const rows = Array.from({ length: 450 }, () => deviceRow({ tenant, instance, id: randomUUID(), group: munich, tags: {} }));
      await tx.insertInto('device').values(rows).execute();
    });
    console = await stageConsole(
      stage.database.db,
      stage.deps.now,
      rejudgeRoutes({ ...stage.deps, stop: stop.signal, beside: () => undefined, onFault: (error) => faults.push(error) }),
    );
  });
  afterAll(async () => {
    await console.close();
    await stage.close();
    expect(faults).toEqual([]);
  });

  const previewsOf = (policy: string, instance = stage.instance) => `/api/v1/instances/${instance}/policies/${policy}/previews`;
  /** As publishing does. */
  const accept = (preview: string, after: Policy, blocks: number) =>
    stage.database.db.within({ tenant: stage.tenant }, (tx) =>
      demandPreview(tx, stage.instance, {
        before: null,
        after,
        hash: policyHash(after),
        accept: { preview, blocks },
        now: stage.deps.now(),
        restricted: false,
      }),
    );
  const stricter = () => stage.policy({ base: 'none', rules: [{ check: 'network.turn-udp', on: { degraded: 'block' } }] });

  async function ended(actor: Actor, id: string) {
    for (;;) {
      const { status, body } = await console.call(actor, 'GET', `/api/v1/previews/${id}`);
      expect(status).toBe(200);
      if (body.status !== 'running') return PreviewAnswer.parse(body);
      await delay(20);
    }
  }

  it('previews the newest revision, and a publisher can accept its number', async () => {
    const draft = stricter();
    await stage.storeDraft(draft);
    const admin = account(null);
    const started = await console.call(admin, 'POST', previewsOf('floor'), {});
    expect(started.status).toBe(202);
    const answer = await ended(admin, started.body.id);
    expect(answer).toMatchObject({ status: 'done', complete: true, policy: 'floor', contentHash: policyHash(draft).toString('hex') });
    expect(answer.summary).toMatchObject({ reached: 453, newlyBlocked: 3, neverReported: 450, unknown: 450 });

    const first = await console.call(admin, 'GET', `/api/v1/previews/${answer.id}/desks?limit=2`);
    const second = await console.call(admin, 'GET', `/api/v1/previews/${answer.id}/desks?limit=2&after=${first.body.next}`);
    const found = [...first.body.items, ...second.body.items];
    expect(found.map(({ device }) => device)).toEqual([...desks].sort());
    expect(second.body.next).toBeNull();
    expect(found[0]).toMatchObject({
      before: 'caution',
      after: 'blocked',
      why: [{ rule: 'network.turn-udp', enforcement: 'block', kind: 'degraded' }],
      notCollected: [],
    });
    expect(found.map(({ hostName }) => hostName).sort()).toEqual(['desk0.example.com', 'desk1.example.com', 'desk2.example.com']);
    expect((await console.call(admin, 'GET', `/api/v1/previews/${answer.id}/desks?standing=clear`)).body.items).toEqual([]);

    expect(await accept(answer.id, draft, 3)).toBe(3);
    await expect(accept(answer.id, draft, 2)).rejects.toMatchObject({ code: 'preview-needed' });
    await expect(accept(answer.id, { ...draft, verdictTtlMs: draft.verdictTtlMs + 1 }, 3)).rejects.toMatchObject({
      code: 'preview-needed',
    });
  });

  it('shows a supervisor their own desks alone, and lets them accept for nobody else', async () => {
    const draft = stricter();
    const supervisor = account(control({ mode: 'named', groupId: berlin }));
    const { body } = await console.call(supervisor, 'POST', previewsOf('floor'), {});
    const answer = await ended(supervisor, body.id);
    expect(answer).toMatchObject({ complete: false });
    expect(answer.summary).toMatchObject({ reached: 2, newlyBlocked: 2, neverReported: 0 });
    const listed = await console.call(supervisor, 'GET', `/api/v1/previews/${answer.id}/desks`);
    expect(listed.body.items.map(({ device }: { device: string }) => device)).toEqual(desks.slice(0, 2).sort());
    await expect(accept(answer.id, draft, 2)).rejects.toMatchObject({ code: 'preview-needed' });

    // A desk that has left their group since is not named to them any more.
    const place = (group: string) =>
      stage.database.db.within({ tenant: stage.tenant }, (tx) =>
        tx
          .updateTable('device')
          .set({ group_id: group })
          .where('id', '=', desks[0] ?? '')
          .execute(),
      );
    await place(munich);
    const later = await console.call(supervisor, 'GET', `/api/v1/previews/${answer.id}/desks`);
    expect(later.body.items.map(({ device }: { device: string }) => device)).toEqual([desks[1]]);
    await place(berlin);

    // Of the whole tenant's they see nothing, of theirs the others nothing but who sees every desk.
    const admin = account(null);
    const all = await ended(admin, (await console.call(admin, 'POST', previewsOf('floor'), {})).body.id);
    const unseen = await console.call(supervisor, 'GET', `/api/v1/previews/${all.id}`);
    const missing = await console.call(supervisor, 'GET', `/api/v1/previews/${randomUUID()}`);
    expect([unseen, missing]).toEqual([{ status: 404, body: missing.body }, missing]);
    expect((await console.call(account(control({ mode: 'named', groupId: berlin })), 'GET', `/api/v1/previews/${answer.id}`)).status).toBe(
      404,
    );
    expect((await console.call(admin, 'GET', `/api/v1/previews/${answer.id}`)).status).toBe(200);
  });

  it.each([
    ['a policy that is not there', () => previewsOf('nobody'), {}, 404],
    ['a revision that is not there', () => previewsOf('floor'), { revision: 99 }, 404],
    ['another instance', () => previewsOf('floor', '7d0c4f5e-31a4-4b86-9d07-0f3f0f1f2f3f'), {}, 404],
    ['an instance that is none', () => previewsOf('floor', 'acme'), {}, 400],
    ['a word that nobody knows', () => previewsOf('floor'), { reach: 'all' }, 400],
    ['a policy id that can be none', () => previewsOf('..%2F..%2Fetc'), {}, 400],
    ['an id that is none', () => previewsOf('__proto__'), {}, 400],
  ])('refuses %s', async (_, url, body, status) => {
    expect((await console.call(account(null), 'POST', url(), body)).status).toBe(status);
    expect(console.faults).toEqual([]);
  });

  it('needs both to see policies and to see desks', async () => {
    for (const permissions of [['Policies.View'], ['Devices.View']] as const) {
      expect((await console.call(account(null, permissions), 'POST', previewsOf('floor'), {})).status).toBe(403);
    }
  });

  it('shows nothing to another tenant', async () => {
    const admin = account(null);
    const { id } = (await console.call(admin, 'POST', previewsOf('floor'), {})).body;
    await ended(admin, id);
    const foreign = { ...account(null), ...(await addTenant(stage.database.db)) };
    expect((await console.call(foreign, 'GET', `/api/v1/previews/${id}`)).status).toBe(404);
    expect((await console.call(foreign, 'POST', previewsOf('floor'), {})).status).toBe(404);
    // Restricted by tags on policies, which have none: sees no policy, and makes no preview of one.
    const tagged = actorIn(
      null,
      [
        profile(null, ['Devices.View']),
        profile({ ...control(null, { Dept: 'Claims' }), tagRestrictedResources: ['Policy'] }, ['Policies.View']),
      ],
      {
        tenant: stage.tenant,
        account: randomUUID(),
      },
    );
    expect((await console.call(tagged, 'POST', previewsOf('floor'), {})).status).toBe(404);
  });

  it('takes one at a time, and ends those that run when the server stops', async () => {
    const admin = account(null);
    const answers = await Promise.all([1, 2, 3].map(() => console.call(admin, 'POST', previewsOf('floor'), {})));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 429, 429]);
    stop.abort();
    const { body } = answers.find(({ status }) => status === 202) ?? { body: {} };
    expect(['failed', 'done']).toContain((await ended(admin, body.id)).status);
    const late = await console.call(admin, 'POST', previewsOf('floor'), {});
    const answer = await ended(admin, late.body.id);
    expect({ status: answer.status, summary: answer.summary }).toEqual({ status: 'failed', summary: null });
  });
});

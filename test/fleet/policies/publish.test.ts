import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Acceptance } from '../../../contracts/console/policies.ts';
import type { Policy } from '../../../contracts/policy.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { assignPolicy, unassignPolicy } from '../../../fleet/policies/assign.ts';
import { listPolicies, listRevisions } from '../../../fleet/policies/list-revisions.ts';
import { diffPolicies, writeDiff } from '../../../fleet/policies/policy-diff.ts';
import { publishRevision } from '../../../fleet/policies/publish.ts';
import { readRevision, rollBack } from '../../../fleet/policies/revisions.ts';
import { openStage, type Stage } from '../documents/open-stage.ts';

let stage: Stage;
let group = '';
beforeAll(async () => {
  stage = await openStage();
  group = await stage.addGroup('all');
  for (let at = 0; at < 20; at += 1) await stage.addDesk({ group });
});
afterAll(() => stage.close());

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof FleetFault ? error.code : Promise.reject(error)),
  );
const publish = (policy: string, revision: number, accept?: Acceptance, by: string | null = null) =>
  stage.within((tx) => publishRevision(stage.deps, tx, stage.instance, { policy, revision, accept, by }));
const resolved = (policy: string, revision: number) =>
  stage.within((tx) => readRevision(tx, stage.instance.id, policy, revision)).then((row) => row?.resolved as Policy);

async function preview(
  policy: string,
  revision: number,
  numbers: { reached: number; newlyBlocked: number },
  more: { complete?: boolean } = {},
): Promise<string> {
  const id = randomUUID();
  stage.advance(1_000);
  await stage.within(async (tx) => {
    const row = await readRevision(tx, stage.instance.id, policy, revision);
    await tx
      .insertInto('policy_preview')
      .values({
        tenant_id: stage.tenant,
        instance_id: stage.instance.id,
        id,
        policy_id: policy,
        content_hash: row?.content_hash ?? Buffer.alloc(32),
        status: 'done',
        complete: more.complete ?? true,
        summary: JSON.stringify(numbers),
        made_at: stage.now(),
      })
      .execute();
  });
  return id;
}

const block = (check: string) => `base: none\nrules:\n  - check: ${check}\n    on: { fail: block }\n`;
const enforce = (check: string) => `${block(check)}gate: { mode: enforce }\n`;
const note = 'base: none\nrules:\n  - check: network.dns\n    on: { fail: note, degraded: note, unknown: note }\n';

describe('publishing', () => {
  it('of what blocks nothing, or reaches nobody, needs no preview', async () => {
    await stage.publish('free', note);
    await stage.assign('free', { kind: 'group', group }, 1);
    await stage.publish('free', `${note}verdictTtlMs: 70000\n`);
    await stage.publish('unassigned', enforce('network.dns'));
  });

  it('of what may block more needs a preview of exactly this, complete, of today and of these assignments', async () => {
    const revision = await stage.draft('free', block('network.dns'));
    expect(await code(publish('free', revision))).toBe('preview-needed');
    await preview('free', revision, { reached: 20, newlyBlocked: 1 }, { complete: false });
    expect(await code(publish('free', revision))).toBe('preview-needed');
    await preview('free', revision, { reached: 3, newlyBlocked: 0 });
    expect(await code(publish('free', revision))).toBe('preview-needed');
    await preview('free', revision - 1, { reached: 20, newlyBlocked: 1 });
    expect(await code(publish('free', revision))).toBe('preview-needed');
    const old = await preview('free', revision, { reached: 20, newlyBlocked: 1 });
    stage.advance(25 * 60 * 60_000);
    expect(await code(publish('free', revision, { preview: old, blocks: 1 }))).toBe('preview-needed');
    const before = await preview('free', revision, { reached: 20, newlyBlocked: 1 });
    stage.advance(1_000);
    const id = await stage.assign('free', { kind: 'tag', key: 'a', value: 'b' }, 77);
    expect(await code(publish('free', revision, { preview: before, blocks: 1 }))).toBe('preview-needed');
    await stage.within((tx) => unassignPolicy(tx, stage.instance, { assignment: id, acceptDesks: undefined }, stage.now()));
    // One of 20 is 5 %, and not more.
    await preview('free', revision, { reached: 20, newlyBlocked: 1 });
    expect(await code(publish('free', revision))).toBe('done');
  });

  it('of what blocks more than 5 % needs the exact number', async () => {
    const revision = await stage.draft('free', block('network.websocket'));
    const id = await preview('free', revision, { reached: 20, newlyBlocked: 2 });
    await expect(publish('free', revision)).rejects.toMatchObject({
      code: 'preview-needed',
      message: `this newly blocks more than 5 %: 2 of 20 desks would newly be blocked: accept { preview: "${id}", blocks: 2 }`,
    });
    expect(await code(publish('free', revision, { preview: id, blocks: 1 }))).toBe('preview-needed');
    expect(await code(publish('free', revision, { preview: randomUUID(), blocks: 2 }))).toBe('preview-needed');
    await publish('free', revision, { preview: id, blocks: 2 });
    expect((await stage.within((tx) => readRevision(tx, stage.instance.id, 'free', revision)))?.accepted_blocks).toBe(2);
  });

  it('of `enforce` needs it even for nobody, and a milder policy needs nothing', async () => {
    const revision = await stage.draft('free', enforce('network.websocket'));
    const id = await preview('free', revision, { reached: 20, newlyBlocked: 0 });
    expect(await code(publish('free', revision))).toBe('preview-needed');
    await publish('free', revision, { preview: id, blocks: 0 });
    const milder = await stage.draft(
      'free',
      enforce('network.websocket').replace('on: { fail: block }', 'on: { fail: block }\n    graceMs: 600000'),
    );
    expect(await code(publish('free', milder))).toBe('done');
    const stricter = await stage.draft(
      'free',
      enforce('network.websocket').replace('on: { fail: block }', 'on: { fail: block }\n    graceMs: 0\n    critical: true'),
    );
    expect(await code(publish('free', stricter))).toBe('preview-needed');
  });

  it('of an earlier revision is a rollback, as a new one', async () => {
    const [first, second] = [await stage.publish('back', note), await stage.publish('back', `${note}verdictTtlMs: 70000\n`)];
    expect(await code(publish('back', first))).toBe('conflict');
    expect(await code(publish('back', second))).toBe('conflict');
    expect(await code(publish('back', 99))).toBe('not-found');
    const third = await stage.within((tx) => rollBack(tx, stage.instance, { policy: 'back', to: first, by: null, now: stage.now() }));
    expect(third).toBe(3);
    await publish('back', third);
    expect(diffPolicies(await resolved('back', first), await resolved('back', third))).toEqual([]);
    const page = await stage.within((tx) => listRevisions(tx, stage.instance.id, 'back', 2, undefined));
    expect([page.items.map(({ revision }) => revision), page.next]).toEqual([[3, 2], '2']);
    expect((await stage.within((tx) => listRevisions(tx, stage.instance.id, 'back', 2, '2'))).items).toHaveLength(1);
    expect((await stage.within((tx) => listPolicies(tx, stage.instance.id, 1, ''))).next).toBe('back');
  });

  it('is by somebody other than the author, where the tenant wants it so', async () => {
    const revision = await stage.draft('pair', note);
    const author = randomUUID();
    await stage.within(async (tx) => {
      await tx.updateTable('tenant_settings').set({ publish_two_person: true }).execute();
      await tx.updateTable('policy_revision').set({ created_by: author }).where('policy_id', '=', 'pair').execute();
    });
    expect(await code(publish('pair', revision, undefined, author))).toBe('conflict');
    expect(await code(publish('pair', revision, undefined, randomUUID()))).toBe('done');
    await stage.within((tx) => tx.updateTable('tenant_settings').set({ publish_two_person: false }).execute());
  });

  it('the same text again is no revision', async () => {
    const first = await stage.draft('same', note);
    expect(await stage.draft('same', note)).toBe(first);
  });
});

describe('an assignment', () => {
  const assign = (policy: string, priority: number, acceptDesks?: number) =>
    stage.within((tx) =>
      assignPolicy(tx, stage.instance, { policy, target: { kind: 'group', group }, priority, acceptDesks }, stage.now()),
    );

  it('of a policy that enforces needs the number of desks that come under it', async () => {
    expect(await code(assign('unassigned', 50))).toBe('preview-needed');
    expect(await code(assign('unassigned', 50, 19))).toBe('preview-needed');
    const id = await assign('unassigned', 50, 20);
    // Below it, and reaching nobody.
    await assign('free', 2);
    // Ending it puts all 20 under the other policy that enforces.
    const end = (acceptDesks?: number) =>
      stage.within((tx) => unassignPolicy(tx, stage.instance, { assignment: id, acceptDesks }, stage.now()));
    expect(await code(end())).toBe('preview-needed');
    expect(await code(end(20))).toBe('done');
    expect(await code(end(20))).toBe('not-found');
  });

  it('has a priority of its own, a group that there is, and something published', async () => {
    expect(await code(assign('free', 1))).toBe('conflict');
    expect(await code(assign('nobody', 60))).toBe('conflict');
    expect(await code(stage.assign('free', { kind: 'group', group: randomUUID() }, 61))).toBe('bad-request');
  });
});

it('a diff is by rule and key', async () => {
  const [a, b] = [
    await stage.draft('diff', block('network.dns')),
    await stage.draft(
      'diff',
      `${enforce('network.dns').replace('block', 'warn')}  - check: network.websocket\n`.replace(/gate: .*\n/, '') +
        'gate: { mode: enforce }\n',
    ),
  ];
  const text = writeDiff(diffPolicies(await resolved('diff', a), await resolved('diff', b)));
  expect(text.replace(/\{.*\}/, '{…}').split('\n')).toEqual([
    '~ gate.mode: "observe" -> "enforce"',
    '~ rule network.dns: on.fail: "block" -> "warn"',
    '+ rule network.websocket {…}',
  ]);
});

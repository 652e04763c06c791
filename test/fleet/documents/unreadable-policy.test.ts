import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Revisions } from '../../../contracts/fleet-api.ts';
import { type HoldingDesk, latestRevisions } from '../../../fleet/documents/desk-orders.ts';
import { tellUnreadable, UnreadablePolicy } from '../../../fleet/documents/unreadable-policy.ts';
import { reasonPlace } from '../../../fleet/waivers/waiver-content.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from './open-stage.ts';

const nothing: Revisions = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };
const blocks = 'rules:\n  - { check: network.dns, on: { fail: block } }\n';

describeWithDatabase('a stored policy that this version cannot read', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const beats = (desks: HoldingDesk[]) => stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, desks));

  /** A desk under a policy of its own, which blocks. */
  async function under(policy: string, priority: number) {
    const group = await stage.addGroup(policy);
    const id = await stage.addDesk({ group });
    await stage.publish(policy, blocks);
    await stage.assign(policy, { kind: 'group', group }, priority);
    return { id, group };
  }
  async function breakPolicy(policy: string): Promise<void> {
    await stage.within((tx) =>
      sql`update policy_revision set resolved = '{"schema": 99}', content_hash = ${Buffer.alloc(32, 7)} where policy_id = ${policy}`.execute(
        tx,
      ),
    );
  }
  /** As an older version may have signed it. */
  async function breakDocuments(policy: string): Promise<void> {
    await stage.within((tx) =>
      sql`update signed_document set envelope = jsonb_set(envelope, '{body}', '"{}"') where audience = ${policy}`.execute(tx),
    );
  }
  async function release(group: string): Promise<void> {
    const id = randomUUID();
    const { tenant, instance } = stage;
    await stage.within(async (tx) => {
      const key = await stage.keyring.key(tx, { tenant, instance: instance.id }, 'identity');
      const reason = key.seal(reasonPlace('group_release', id), 'the policy was wrong');
      const [from, until] = [stage.now(), new Date(stage.now().getTime() + 3_600_000)];
      await sql`insert into group_release (tenant_id, instance_id, id, group_id, reason_sealed, requested_by, requested_at, approved_at, until)
        values (${tenant}, ${instance.id}, ${id}, ${group}, ${reason}, ${randomUUID()}, ${from}, ${from}, ${until})`.execute(tx);
    });
  }

  it('costs the desks under it alone: they keep what they hold, and it is told by name', async () => {
    const [broken, fine] = [await under('broken', 1), await under('fine', 2)];
    const held = (await beats([{ id: broken.id, held: nothing }])).get(broken.id) ?? nothing;
    expect(held.policy).toBeGreaterThan(0);
    await breakPolicy('broken');
    const latest = await beats([
      { id: broken.id, held },
      { id: fine.id, held: nothing },
    ]);
    expect(latest.get(broken.id)).toEqual(held);
    expect(latest.get(fine.id)?.policy).toBeGreaterThan(0);
    expect(stage.unreadable.map(({ policy, revision }) => ({ policy, revision }))).toEqual([{ policy: 'broken', revision: 1 }]);
    // Nothing was counted for what was not issued.
    const next = await stage.publish('fine', 'base: none\n');
    expect(next).toBe(2);
    expect((await beats([{ id: fine.id, held: nothing }])).get(fine.id)?.policy).toBe((latest.get(fine.id)?.policy ?? 0) + 1);
  });

  it('is replaced by a revision that can be read, once somebody accepts what it blocks', async () => {
    await under('stuck', 21);
    await breakPolicy('stuck');
    // As for the first that blocks: nobody knows what the desks are under.
    await expect(stage.publish('stuck', `${blocks}verdictTtlMs: 60000\n`)).rejects.toMatchObject({ code: 'preview-needed' });
    expect(await stage.publish('stuck', 'base: none\n')).toBe(3);
  });

  it('is read for a release by what the desk holds, and by neither leaves the waivers that it has', async () => {
    const [broken, lost, fine] = [await under('half', 11), await under('lost', 12), await under('whole', 13)];
    const desks = [broken, lost, fine];
    const held = await beats(desks.map(({ id }) => ({ id, held: nothing })));
    for (const policy of ['half', 'lost']) await breakPolicy(policy);
    await breakDocuments('lost');
    for (const { group } of desks) await release(group);
    const latest = await beats(desks.map(({ id }) => ({ id, held: held.get(id) ?? nothing })));
    expect(desks.map(({ id }) => (latest.get(id)?.waivers ?? 0) > 0)).toEqual([true, false, true]);
  });

  it('is told once an hour by its name, and counted each time', async () => {
    let counted = 0;
    const lines: string[] = [];
    const tell = tellUnreadable({ now: stage.now, count: () => (counted += 1), say: (line) => void lines.push(line) });
    const error = new UnreadablePolicy({ instance: 'one', policy: 'floor', revision: 3 }, 'schema: expected 1');
    for (let times = 0; times < 5; times += 1) tell(error);
    tell(new UnreadablePolicy({ instance: 'one', policy: 'floor', revision: 4 }, 'schema: expected 1'));
    stage.advance(61 * 60_000);
    tell(error);
    expect(counted).toBe(7);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/policy "floor", revision 3, .*instance one.*schema: expected 1/);
  });
});

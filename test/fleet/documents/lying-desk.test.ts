import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Revisions } from '../../../contracts/fleet-api.ts';
import { MAX_REVISION } from '../../../contracts/signed-document.ts';
import { type HoldingDesk, latestRevisions } from '../../../fleet/documents/desk-orders.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from './open-stage.ts';

const nothing: Revisions = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };

describeWithDatabase('a desk that claims to hold what nobody issued', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const beat = (device: string, held: Revisions) =>
    stage.within(async (tx) => (await latestRevisions(stage.deps, tx, stage.instance.id, [{ id: device, held }])).get(device));
  const beats = (desks: HoldingDesk[]) => stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, desks));
  const newestOf = (audience: string) =>
    stage.within(async (tx) => {
      const rows = await tx.selectFrom('signed_document').select('revision').where('audience', '=', audience).execute();
      return Math.max(...rows.map(({ revision }) => revision));
    });
  const stored = () =>
    stage.within(async (tx) => {
      const rows = await tx.selectFrom('signed_document').select('revision').where('kind', '=', 'policy').execute();
      return rows.length;
    });

  it('has no more documents made by it than a few an hour, and the others are served', async () => {
    const [liar, honest] = [await stage.addDesk(), await stage.addDesk()];
    await stage.publish('floor', 'verdictTtlMs: 60000\n');
    await stage.assign('floor', { kind: 'all' }, 1);
    let claimed = 1;
    for (let times = 0; times < 60; times += 1) {
      const latest = await beat(liar, { ...nothing, policy: claimed });
      claimed = (latest?.policy ?? claimed) + 1;
    }
    expect(await stored()).toBeLessThanOrEqual(21);
    // What was published meanwhile comes all the same, to both.
    await stage.publish('floor');
    const next = await beat(honest, { ...nothing, policy: 1 });
    expect(next?.policy).toBeGreaterThan(1);
    const before = await stored();
    stage.advance(61 * 60_000);
    await beat(liar, { ...nothing, policy: claimed + 5 });
    expect(await stored()).toBe(before + 1);
  });

  it.each([
    ['more than is believed', 1_000_000],
    ['the most that there can be', MAX_REVISION],
  ])('claims %s, and another of the same batch that lacks the policy has it at once', async (_what, claim) => {
    const policy = `policy-${claim}`;
    const group = await stage.addGroup(policy);
    const [liar, honest] = [await stage.addDesk({ group }), await stage.addDesk({ group })];
    await stage.publish(policy);
    await stage.assign(policy, { kind: 'group', group }, claim % 1_000_003);
    // Signed before, so that both lack it only by what they hold.
    await stage.within((tx) => tx.deleteFrom('signed_document').where('audience', '=', policy).execute());
    const latest = await beats([
      { id: liar, held: { ...nothing, policy: claim } },
      { id: honest, held: nothing },
    ]);
    expect(latest.get(honest)?.policy).toBeGreaterThan(0);
    expect(latest.get(liar)?.policy).toBe(claim);
  });

  it('claims a little too often, and another of the same batch that came from elsewhere is served', async () => {
    const group = await stage.addGroup('often');
    const [liar, honest] = [await stage.addDesk({ group }), await stage.addDesk({ group })];
    await stage.publish('often');
    await stage.assign('often', { kind: 'group', group }, 7);
    let claimed = 1;
    for (let times = 0; times < 25; times += 1) claimed = ((await beat(liar, { ...nothing, policy: claimed }))?.policy ?? claimed) + 1;
    // Of another audience, and newer than what "often" has.
    await stage.publish('elsewhere');
    const elsewhere = await newestOf('elsewhere');
    const latest = await beats([
      { id: liar, held: { ...nothing, policy: elsewhere + 50 } },
      { id: honest, held: { ...nothing, policy: elsewhere } },
    ]);
    expect(latest.get(honest)?.policy).toBe(elsewhere + 1);
  });
});

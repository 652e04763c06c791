import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Revisions } from '../../../contracts/fleet-api.ts';
import { latestRevisions } from '../../../fleet/documents/desk-orders.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from './open-stage.ts';

const nothing: Revisions = { policy: 0, allowlist: 0, waivers: 0, keys: 0 };

describeWithDatabase('a desk that claims to hold what nobody issued', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const beat = (device: string, held: Revisions) =>
    stage.within(async (tx) => (await latestRevisions(stage.deps, tx, stage.instance.id, [{ id: device, held }])).get(device));
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
});

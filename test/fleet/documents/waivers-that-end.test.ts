import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Revisions } from '../../../contracts/fleet-api.ts';
import { latestRevisions } from '../../../fleet/documents/desk-orders.ts';
import { reasonPlace } from '../../../fleet/waivers/waiver-content.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from './open-stage.ts';

const nothing: Revisions = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };
/** On a floor of thousands, waivers of four hours end oftener. */
const DESKS = 30;

describeWithDatabase('waivers that are taken back', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const beat = async (device: string, waivers: number) =>
    (await stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, [{ id: device, held: { ...nothing, waivers } }]))).get(
      device,
    )?.waivers ?? 0;

  async function waive(device: string): Promise<string> {
    const id = randomUUID();
    await stage.within(async (tx) => {
      const key = await stage.deps.keyring.key(tx, { tenant: stage.tenant, instance: stage.instance.id }, 'identity');
      await tx
        .insertInto('waiver')
        .values({
          tenant_id: stage.tenant,
          instance_id: stage.instance.id,
          id,
          device_id: device,
          rule: 'turn',
          reason_sealed: key.seal(reasonPlace('waiver', id), 'the switch is being replaced'),
          requested_at: stage.now(),
          approved_at: stage.now(),
          until: new Date(stage.now().getTime() + 4 * 60 * 60_000),
        })
        .execute();
    });
    return id;
  }

  it('are gone from each desk with its next heartbeat, however many end within the hour', async () => {
    for (let desk = 0; desk < DESKS; desk += 1) {
      const device = await stage.addDesk();
      const waiver = await waive(device);
      const held = await beat(device, 0);
      expect(held).toBeGreaterThan(0);
      await stage.within((tx) => tx.updateTable('waiver').set({ ended_at: stage.now() }).where('id', '=', waiver).execute());
      expect(await beat(device, held), `desk ${desk}`).toBeGreaterThan(held);
      stage.advance(60_000);
    }
  });
});

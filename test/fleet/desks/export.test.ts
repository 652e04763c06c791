import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeAccount } from '../../../fleet/access/accounts.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { exportDesks } from '../../../fleet/desks/export-desks.ts';
import { hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { openAccessStage, type Stage } from '../access/access-stage.ts';
import { control, deviceRow, groupId, own } from '../access/example-world.ts';
import { describeWithDatabase } from '../describe-with-database.ts';

const DESKS = 1_600;

describeWithDatabase('the export of many desks', () => {
  let stage: Stage;
  let person: string;
  let transactions = 0;
  let db: Db;
  beforeAll(async () => {
    stage = await openAccessStage();
    await stage.within(async (tx) => {
      const { tenant, instance, keyring } = stage;
      const key = await keyring.key(tx, { tenant, instance }, 'identity');
      const rows = Array.from({ length: DESKS }, (_, nth) => {
        const id = randomUUID();
        const sealed = key.seal(hostNamePlace(id), `desk-${nth}.example.com`);
        return { ...deviceRow({ tenant, instance, id, group: groupId('Munich'), tags: {} }), host_name_sealed: sealed };
      });
      for (let from = 0; from < DESKS; from += 400)
        await tx
          .insertInto('device')
          .values(rows.slice(from, from + 400))
          .execute();
    });
    person = (await stage.addAccount(groupId('Munich'), [await stage.addProfile(['Devices.View'], control(own))])).id;
    // D5 of the examples has a name that was never sealed.
    await stage.within((tx) => tx.updateTable('device').set({ group_id: null }).where('id', '=', stage.desks.D5).execute());
    db = {
      ...stage.db,
      within(scope, work) {
        transactions += 1;
        return stage.db.within(scope, work);
      },
    };
  });
  afterAll(() => stage.close());

  const begin = async () => exportDesks({ db, keyring: stage.keyring, now: () => new Date() }, await stage.actor(person), {});

  it('reads no further than its reader, and each desk once', async () => {
    transactions = 0;
    const stream = await begin();
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    await chunks.next();
    await delay(300);
    expect(transactions).toBeLessThanOrEqual(2);
    let text = '';
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) text += String(next.value);
    expect(transactions).toBe(4);
    expect(text.split('\r\n').length).toBeGreaterThan(1_000);
    const whole = (await (await begin()).toArray()).join('');
    const ids = whole
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.slice(1, 37));
    expect([ids.length, new Set(ids).size]).toEqual([DESKS, DESKS]);
    expect(ids).toEqual([...ids].sort());
  });

  it('breaks off where its reader loses the right to read', async () => {
    const chunks = (await begin())[Symbol.asyncIterator]();
    await chunks.next();
    await chunks.next();
    await stage.within((tx) => changeAccount(tx, stage.operator, stage.keyring, person, { disabled: true }, new Date()));
    const rest = async () => {
      while (!(await chunks.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'not-signed-in' });
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { TimelineRequest } from '../../../contracts/console/desks.ts';
import { operatorOf } from '../../../fleet/access/actor.ts';
import { readTimeline } from '../../../fleet/desks/timeline.ts';
import type { Caller } from '../../../fleet/intake/intake.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aHeartbeat, aReport, at, START } from './desk-reports.ts';
import { openIntake, type TestIntake } from './open-intake.ts';
import { deskOf, historyOf } from './stored-desk.ts';

const HOUR = 60 * 60_000;

describeWithDatabase('silence', () => {
  let database: TestDatabase;
  let replica: TestIntake;
  let scope: { tenant: string; instance: string };
  let now = START;

  beforeAll(async () => {
    database = await openTestDatabase();
    scope = await addTenant(database.db);
    replica = await openIntake(database.appUrl, () => new Date(now));
  });
  afterAll(async () => {
    await replica?.close();
    await database?.close();
  });
  beforeEach(() => {
    now = START;
  });

  async function aDesk(): Promise<Caller> {
    const [device = ''] = await addDevices(database.db, scope, 1);
    return { ...scope, device };
  }

  it('is remembered once it is over', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device, { findings: [] }));
    now = START + HOUR;
    await replica.intake.heartbeat(desk, aHeartbeat({ sentAt: at(60) }));
    expect(await historyOf(database.db, desk)).toEqual(['standing clear', 'standing silent', 'standing clear']);
  });

  it('ends where the desk spoke again, and not after what its outbox tells of that time', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device, { findings: [] }));
    now = START + 10 * HOUR;
    const late = (seq: number, hour: number, standing: 'clear' | 'blocked') =>
      replica.intake.report(desk, aReport(desk.device, { seq, standing, findings: [], madeAt: at(hour * 60) }));
    await late(1, 2, 'blocked');
    await late(2, 4, 'clear');
    await late(3, 9, 'blocked');
    await replica.intake.heartbeat(desk, aHeartbeat({ standing: 'blocked', sentAt: at(10 * 60) }));
    const lines = ['clear', 'silent', 'blocked', 'clear', 'blocked'];
    expect(await historyOf(database.db, desk)).toEqual(lines.map((standing) => `standing ${standing}`));
    expect(await deskOf(database.db, replica.keyring, desk)).toMatchObject({ standing: 'blocked', since: at(9 * 60) });
  });

  it('is seen where a desk was off after it had made what it tells late', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device, { findings: [] }));
    now = START + 10 * HOUR;
    await replica.intake.report(desk, aReport(desk.device, { seq: 1, standing: 'blocked', findings: [], madeAt: at(10) }));
    await replica.intake.report(
      desk,
      aReport(desk.device, { epoch: randomUUID(), standing: 'blocked', findings: [], madeAt: at(10 * 60) }),
    );
    const lines = ['clear', 'blocked', 'silent', 'blocked'];
    expect(await historyOf(database.db, desk)).toEqual(lines.map((standing) => `standing ${standing}`));
  });

  it('is not told by a clock that is ahead or behind', async () => {
    const [ahead, behind] = [await aDesk(), await aDesk()];
    for (const minute of [0, 10, 20, 30]) {
      now = START + minute * 60_000;
      await replica.intake.heartbeat(ahead, aHeartbeat({ sentAt: at(minute + 24 * 60) }));
      await replica.intake.heartbeat(behind, aHeartbeat({ sentAt: at(minute - 24 * 60) }));
    }
    now = START + HOUR;
    await replica.intake.heartbeat(ahead, aHeartbeat({ sentAt: at(60 + 24 * 60) }));
    expect(await historyOf(database.db, behind)).toEqual([]);
    expect(await historyOf(database.db, ahead)).toEqual(['standing silent', 'standing clear']);
  });

  it('stands in the timeline before what ended it, though both came together', async () => {
    const desk = await aDesk();
    for (let hour = 0; hour < 6; hour++) {
      now = START + hour * HOUR;
      await replica.intake.heartbeat(desk, aHeartbeat({ standing: 'blocked', sentAt: at(hour * 60) }));
    }
    const { items } = await database.db.within({ tenant: desk.tenant }, (tx) =>
      readTimeline({ tx, actor: operatorOf(desk.tenant), now: new Date(now) }, replica.keyring, desk.device, TimelineRequest.parse({})),
    );
    expect(items.map((item) => item.kind === 'standing' && item.standing)).toEqual(Array(5).fill(['blocked', 'silent']).flat());
  });
});

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FindingDetail, findingPlace } from '../../../fleet/intake/finding-detail.ts';
import type { Caller } from '../../../fleet/intake/intake.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aFinding, aHeartbeat, aReport, at, failing, START } from './desk-reports.ts';
import { openIntake, type TestIntake } from './open-intake.ts';
import { deskOf, historyOf } from './stored-desk.ts';

const other = '00000000-0000-4000-8000-0000000000e2';

describeWithDatabase('reports', () => {
  let database: TestDatabase;
  let replica: TestIntake;
  let scope: { tenant: string; instance: string };
  const now = START;

  beforeAll(async () => {
    database = await openTestDatabase();
    scope = await addTenant(database.db);
    replica = await openIntake(database.appUrl, () => new Date(now));
  });
  afterAll(async () => {
    await replica?.close();
    await database?.close();
  });

  async function aDesk(): Promise<Caller> {
    const [device = ''] = await addDevices(database.db, scope, 1);
    return { ...scope, device };
  }
  const stored = (caller: Caller) => deskOf(database.db, replica.keyring, caller);

  it('keeps a full report as the present state and a line of history for each finding', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device, { standing: 'blocked', causes: ['turn'], findings: [failing('turn')] }));
    const found = await stored(desk);
    expect(found).toMatchObject({
      standing: 'blocked',
      causes: ['turn'],
      wantFull: false,
      findings: { turn: { kind: 'fail', code: 'udp-blocked', evidence: { hosts: ['turn.example.com'], rttMs: 12 } } },
    });
    expect(await historyOf(database.db, desk)).toEqual(['turn fail', 'standing blocked']);
  });

  it('counts the same report once, also when it comes again after the next one', async () => {
    const desk = await aDesk();
    const first = aReport(desk.device, { standing: 'caution' });
    const second = aReport(desk.device, { seq: 1, standing: 'clear' });
    for (const report of [first, first, second, first]) {
      expect(await replica.intake.report(desk, report)).toEqual({ schema: 1, accepted: true, sealedFault: null });
    }
    expect(await stored(desk)).toMatchObject({ standing: 'clear' });
    expect(await historyOf(database.db, desk)).toEqual(['hosts pass', 'turn pass', 'standing caution', 'standing clear']);
  });

  it('writes nothing but the desk for an unchanged report, however its times and timings differ', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device));
    const before = await historyOf(database.db, desk);
    const written = await writesOf(desk);
    const later = [aFinding('turn', { observedAt: at(9), tookMs: 99, goodRuns: 40 }), aFinding('hosts', { lastPassAt: at(9) })];
    await replica.intake.report(desk, aReport(desk.device, { seq: 1, madeAt: at(9), findings: later }));
    await replica.intake.report(desk, aReport(desk.device, { seq: 2, scope: 'changes', findings: [] }));
    expect(await historyOf(database.db, desk)).toEqual(before);
    expect(await writesOf(desk)).toEqual(written);
  });

  it('keeps newer evidence of the same outcome without a line of history', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device));
    const before = await historyOf(database.db, desk);
    const findings = [aFinding('turn', { evidence: { hosts: [], rttMs: 77 } }), aFinding('hosts')];
    await replica.intake.report(desk, aReport(desk.device, { seq: 1, findings }));
    expect((await stored(desk)).findings.turn?.evidence).toEqual({ hosts: [], rttMs: 77 });
    expect(await historyOf(database.db, desk)).toEqual(before);
  });

  it('leaves other findings alone when only changes are told, and takes away what a full report no longer has', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device));
    await replica.intake.report(desk, aReport(desk.device, { seq: 1, scope: 'changes', findings: [failing('turn')] }));
    expect(Object.keys((await stored(desk)).findings)).toEqual(['hosts', 'turn']);
    await replica.intake.report(desk, aReport(desk.device, { seq: 2, findings: [failing('turn')] }));
    expect(Object.keys((await stored(desk)).findings)).toEqual(['turn']);
    expect(await historyOf(database.db, desk)).toContain('hosts gone');
  });

  it('takes a gap, and refuses a number that another report has or that is lower', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device, { seq: 3 }));
    await replica.intake.report(desk, aReport(desk.device, { seq: 9, standing: 'caution' }));
    const before = await stored(desk);
    for (const seq of [9, 8, 0]) {
      await expect(replica.intake.report(desk, aReport(desk.device, { seq, standing: 'blocked' }))).rejects.toMatchObject({
        code: 'sequence-taken',
      });
    }
    expect(await stored(desk)).toEqual(before);
  });

  it('takes a new epoch from any number on, and wants a whole report where it began with changes', async () => {
    const desk = await aDesk();
    await replica.intake.report(desk, aReport(desk.device, { seq: 7 }));
    await replica.intake.report(desk, aReport(desk.device, { epoch: other, scope: 'changes', findings: [failing('turn')] }));
    expect(await stored(desk)).toMatchObject({ epoch: other, wantFull: true, suspected: false });
    await replica.intake.report(desk, aReport(desk.device, { epoch: other, seq: 1 }));
    expect(await stored(desk)).toMatchObject({ epoch: other, wantFull: false });
  });

  it('suspects two computers when an epoch that ended comes back with new numbers', async () => {
    const desk = await aDesk();
    const late = aReport(desk.device, { seq: 1 });
    await replica.intake.report(desk, aReport(desk.device));
    await replica.intake.report(desk, late);
    await replica.intake.report(desk, aReport(desk.device, { epoch: other }));
    await replica.intake.report(desk, late);
    expect((await stored(desk)).suspected).toBe(false);
    await replica.intake.report(desk, aReport(desk.device, { seq: 2, standing: 'caution', scope: 'changes', findings: [] }));
    expect(await stored(desk)).toMatchObject({ suspected: true, standing: 'caution', wantFull: true });
  });

  it('keeps what a heartbeat said when an older report comes out of a full outbox, but takes its causes', async () => {
    const desk = await aDesk();
    await replica.intake.heartbeat(desk, aHeartbeat({ standing: 'blocked', sentAt: at(10) }));
    await replica.intake.report(desk, aReport(desk.device, { madeAt: at(-60), standing: 'clear' }));
    expect(await stored(desk)).toMatchObject({ standing: 'blocked', since: at(0) });
    await replica.intake.report(desk, aReport(desk.device, { seq: 1, madeAt: at(-5), standing: 'blocked', causes: ['turn'] }));
    expect(await stored(desk)).toMatchObject({ standing: 'blocked', causes: ['turn'], since: at(-5) });
  });

  it('keeps findings of checks it does not know unjudged, and their evidence up to a bound', async () => {
    const desk = await aDesk();
    const check = aFinding('new').check.replace('turn-udp', 'of-tomorrow') as never;
    const findings = [
      aFinding('new', { check, evidence: { seen: 1 } }),
      aFinding('huge', { check, evidence: { text: 'x'.repeat(20_000) } }),
      aFinding('turn', { revision: 99 }),
    ];
    await replica.intake.report(desk, aReport(desk.device, { findings, agent: { version: '99.0.0-next.1', platform: 'linux' } }));
    expect((await stored(desk)).findings).toMatchObject({
      new: { judged: false, evidence: { seen: 1 } },
      huge: { judged: false, evidence: null, partial: true },
      turn: { judged: true, revision: 99 },
    });
  });

  it.each([
    ['another schema', { schema: 2 }, 'unsupported-schema', 'schema'],
    ['an unknown key', { extra: 1 }, 'bad-request', 'extra'],
    ['an unknown key deep inside', { findings: [{ ...aFinding('turn'), colour: 'red' }] }, 'bad-request', 'findings.0.colour'],
    ['a wrong type', { seq: -1 }, 'bad-request', 'seq'],
    ['two findings of a rule', { findings: [aFinding('turn'), aFinding('turn')] }, 'bad-request', 'findings.1.rule'],
    ['a year nobody can store', { madeAt: '0000-01-01T00:00:00Z' }, 'bad-request', 'madeAt'],
    ['a revision nobody can store', { findings: [aFinding('turn', { revision: 2 ** 40 })] }, 'bad-request', 'findings.0.revision'],
    ['another device', { device: randomUUID() }, 'bad-request', 'device'],
  ])('refuses the whole report for %s, by the path', async (_name, overrides, code, path) => {
    const desk = await aDesk();
    await expect(replica.intake.report(desk, { ...aReport(desk.device), ...overrides })).rejects.toMatchObject({ code, place: { path } });
    expect((await stored(desk)).findings).toEqual({});
  });

  it('refuses a device that is not enrolled', async () => {
    const device = randomUUID();
    await expect(replica.intake.report({ ...scope, device }, aReport(device))).rejects.toMatchObject({ code: 'not-enrolled' });
    await expect(replica.intake.heartbeat({ ...scope, device }, aHeartbeat())).rejects.toMatchObject({ code: 'not-enrolled' });
  });

  it('stores what JSON can say and jsonb cannot', async () => {
    const desk = await aDesk();
    const report = aReport(desk.device, { agent: { version: 'a\0b\ud800c\\u0000', platform: 'linux' } });
    await replica.intake.report(desk, report);
    expect(await stored(desk)).toMatchObject({ agentVersion: 'a\ufffdb\ufffdc\\u0000' });
  });

  it('keeps each release once', async () => {
    const desk = await aDesk();
    const release = { id: randomUUID(), by: 'code' as const, uid: 1000, from: at(0), until: at(30) };
    await replica.intake.report(desk, aReport(desk.device, { releases: [release] }));
    await replica.intake.report(desk, aReport(desk.device, { seq: 1, releases: [release] }));
    const rows = await database.db.within(scope, (tx) =>
      sql`select released_by from release_record where device_id = ${desk.device}`.execute(tx),
    );
    expect(rows.rows).toEqual([{ released_by: 'code' }]);
  });

  it('answers a heartbeat by the clock and the revisions, and asks for a whole report until there is one', async () => {
    const desk = await aDesk();
    const answer = { schema: 1, serverTime: at(0), latest: { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 } };
    expect(await replica.intake.heartbeat(desk, aHeartbeat())).toEqual({ ...answer, wantFull: true });
    await replica.intake.report(desk, aReport(desk.device));
    expect(await replica.intake.heartbeat(desk, aHeartbeat())).toEqual({ ...answer, wantFull: false });
    await database.db.within(scope, (tx) => tx.deleteFrom('desk_state').where('device_id', '=', desk.device).execute());
    expect(await replica.intake.heartbeat(desk, aHeartbeat())).toEqual({ ...answer, wantFull: true });
    expect((await stored(desk)).heardAt).toBe(at(0));
  });

  it('does not open a finding that was moved to another desk', async () => {
    const [one, two] = [await aDesk(), await aDesk()];
    for (const desk of [one, two]) await replica.intake.report(desk, aReport(desk.device, { findings: [aFinding('turn')] }));
    const sealed = await database.db.within(scope, (tx) =>
      tx.selectFrom('finding').select('detail_sealed').where('device_id', '=', one.device).executeTakeFirstOrThrow(),
    );
    const open = (device: string) =>
      database.db.within(scope, (tx) => replica.keyring.open(tx, scope, 'evidence', findingPlace(device, 'turn'), sealed.detail_sealed));
    expect(FindingDetail.parse(JSON.parse(String(await open(one.device)))).evidence).toEqual(aFinding('turn').evidence);
    await expect(open(two.device)).rejects.toThrow();
  });

  /** Physical versions of the desk's rows in what an unchanged report leaves alone. */
  function writesOf({ device }: Caller) {
    return database.db.within(scope, async (tx) => {
      const { rows } = await sql`
        select 'finding' as what, xmin::text as version from finding where device_id = ${device}
        union all select 'verdict', xmin::text from desk_verdict where device_id = ${device} order by 1, 2`.execute(tx);
      return rows;
    });
  }
});

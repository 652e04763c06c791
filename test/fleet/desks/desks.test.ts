import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeskAnswer, DesksAnswer, DesksRequest, FloorAnswer, TimelineAnswer, TimelineRequest } from '../../../contracts/console/desks.ts';
import { type Actor, operatorOf } from '../../../fleet/access/actor.ts';
import { type Db, NIL_ID } from '../../../fleet/db/tenancy.ts';
import { readFloor } from '../../../fleet/desks/floor.ts';
import { listDesks } from '../../../fleet/desks/list-desks.ts';
import { readDesk } from '../../../fleet/desks/read-desk.ts';
import { readTimeline } from '../../../fleet/desks/timeline.ts';
import { hostNameIndex, hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aHeartbeat, aReport, at, failing, START } from '../intake/desk-reports.ts';
import { openIntake, type TestIntake } from '../intake/open-intake.ts';

const [region, site, elsewhere] = [randomUUID(), randomUUID(), randomUUID()];

describeWithDatabase('reads of desks', () => {
  let database: TestDatabase;
  let replica: TestIntake;
  let scope: { tenant: string; instance: string };
  let now = START;
  /** By name: b and w are blocked, c is clear, s was in caution and is silent, n never called. */
  const desks: Record<string, string> = {};

  beforeAll(async () => {
    database = await openTestDatabase();
    scope = await addTenant(database.db);
    replica = await openIntake(database.appUrl, () => new Date(now));
    await addTree(database.db, scope.tenant);
    const places: [string, string | null, Record<string, string>][] = [
      ['b', site, { Dept: 'Claims' }],
      ['w', site, {}],
      ['c', region, { Dept: 'Claims' }],
      ['s', elsewhere, { Dept: '' }],
      ['n', null, {}],
    ];
    for (const [name, group, tags] of places) desks[name] = await addDesk(name, group, tags);
    now = START - 60 * 60_000;
    await report('s', { standing: 'caution', causes: ['turn'] });
    now = START;
    await report('b', { standing: 'blocked', causes: ['turn'], findings: [failing('turn')], madeAt: at(-30) });
    await report('w', { standing: 'blocked', causes: ['dns', 'turn'], findings: [failing('dns'), failing('turn')], madeAt: at(-5) });
    await report('c', { standing: 'clear' });
  });
  afterAll(async () => {
    await replica?.close();
    await database?.close();
  });

  async function addDesk(name: string, group: string | null, tags: Record<string, string>): Promise<string> {
    const [id = ''] = await addDevices(database.db, scope, 1, () => ({ group, tags }));
    await database.db.within(scope, async (tx) => {
      const key = await replica.keyring.key(tx, scope, 'identity');
      const host = `DESK-${name}.example.com`;
      await tx
        .updateTable('device')
        .set({
          host_name_sealed: key.seal(hostNamePlace(id), host),
          host_name_index: await hostNameIndex(replica.keyring, tx, scope, host),
        })
        .where('id', '=', id)
        .execute();
    });
    return id;
  }

  function report(name: string, given: Parameters<typeof aReport>[1]) {
    const device = desks[name] ?? '';
    return replica.intake.report({ ...scope, device }, aReport(device, { epoch: randomUUID(), ...given }));
  }

  const everybody = () => operatorOf(scope.tenant);
  function supervisorOf(group: string, tags: Record<string, string> = {}): Actor {
    const accessControl = {
      hierarchy: { mode: 'named' as const, groupId: group },
      hierarchyRestrictedResources: ['Device' as const],
      tags,
      tagRestrictedResources: Object.keys(tags).length > 0 ? ['Device' as const] : [],
    };
    const permissions = ['Devices.View', 'LiveBoard.Access'] as const;
    return {
      ...everybody(),
      kind: 'account',
      account: randomUUID(),
      profiles: [{ id: randomUUID(), name: 'lead', isDefault: false, permissions, accessControl }],
    };
  }

  function asking<T>(
    actor: Actor,
    read: (reading: { tx: Parameters<Parameters<Db['within']>[1]>[0]; actor: Actor; now: Date }) => Promise<T>,
  ) {
    return database.db.within({ tenant: scope.tenant }, (tx) => read({ tx, actor, now: new Date(START) }));
  }
  async function list(actor: Actor, query: object = {}) {
    const answer = await asking(actor, (reading) => listDesks(reading, replica.keyring, DesksRequest.parse(query)));
    return DesksAnswer.parse(answer);
  }
  const namesOf = (answer: DesksAnswer) => answer.items.map(({ hostName }) => hostName.charAt(5)).join('');

  it('lists the worst first, the longest first among equals, and says who is silent', async () => {
    const answer = await list(everybody());
    expect(namesOf(answer)).toBe('bwnsc');
    expect(answer.items.map(({ standing, lastStanding }) => [standing, lastStanding])).toEqual([
      ['blocked', 'blocked'],
      ['blocked', 'blocked'],
      ['silent', 'undetermined'],
      ['silent', 'caution'],
      ['clear', 'clear'],
    ]);
    expect(answer.items[0]).toMatchObject({
      hostName: 'DESK-b.example.com',
      group: { id: site, name: 'site' },
      causes: ['turn'],
      since: at(-30),
    });
    expect(answer.next).toBeNull();
  });

  it.each([
    [{ standing: 'blocked' }, 'bw'],
    [{ standing: 'silent' }, 'ns'],
    [{ standing: 'clear' }, 'c'],
    [{ group: region }, 'bwc'],
    [{ group: site }, 'bw'],
    [{ group: randomUUID() }, ''],
    [{ tagKey: 'Dept', tagValue: 'Claims' }, 'bc'],
    [{ tagKey: 'Dept' }, 's'],
    [{ host: 'desk-W.EXAMPLE.com.' }, 'w'],
    [{ host: 'desk-' }, ''],
    [{ rule: 'turn' }, 'bw'],
    [{ rule: 'dns' }, 'w'],
    [{ rule: 'hosts' }, ''],
    [{ standing: 'blocked', tagKey: 'Dept', tagValue: 'Claims', rule: 'turn' }, 'b'],
  ])('filters by %j', async (query, expected) => {
    expect(namesOf(await list(everybody(), query))).toBe(expected);
  });

  it('goes on where a page ended, and refuses a place that it did not name', async () => {
    let after: string | undefined;
    let seen = '';
    for (let page = 0; page < 5; page++) {
      const answer = await list(everybody(), { limit: 1, ...(after === undefined ? {} : { after }) });
      seen += namesOf(answer);
      after = answer.next ?? undefined;
    }
    expect([seen, after]).toEqual(['bwnsc', undefined]);
    await expect(list(everybody(), { after: 'bm9wZQ' })).rejects.toMatchObject({ code: 'bad-request', place: { path: 'after' } });
  });

  it('shows each what they may see, in lists and counts', async () => {
    const lead = supervisorOf(site);
    expect(namesOf(await list(lead))).toBe('bw');
    expect(namesOf(await list(lead, { group: region }))).toBe('bw');
    expect(namesOf(await list(lead, { host: 'desk-c.example.com' }))).toBe('');
    expect(namesOf(await list(supervisorOf(region, { Dept: 'Claims' })))).toBe('bc');
    const floor = FloorAnswer.parse(await asking(lead, (reading) => readFloor(reading, {})));
    expect(floor.total).toEqual({ blocked: 2, undetermined: 0, caution: 0, clear: 0, silent: 0 });
    expect(floor.groups.map(({ name, counts }) => [name, counts.blocked])).toEqual([
      ['region', 2],
      ['site', 2],
    ]);
  });

  it('counts the floor by group with all below it, and names what keeps most desks', async () => {
    const floor = FloorAnswer.parse(await asking(everybody(), (reading) => readFloor(reading, {})));
    const none = { blocked: 0, undetermined: 0, caution: 0, clear: 0, silent: 0 };
    expect(floor).toEqual({
      at: at(0),
      total: { ...none, blocked: 2, clear: 1, silent: 2 },
      ungrouped: { ...none, silent: 1 },
      groups: [
        { id: elsewhere, name: 'elsewhere', parent: null, counts: { ...none, silent: 1 } },
        { id: region, name: 'region', parent: null, counts: { ...none, blocked: 2, clear: 1 } },
        { id: site, name: 'site', parent: region, counts: { ...none, blocked: 2 } },
      ],
      causes: [
        { rule: 'turn', desks: 2 },
        { rule: 'dns', desks: 1 },
      ],
    });
    const part = await asking(everybody(), (reading) => readFloor(reading, { group: elsewhere }));
    expect(part.total).toEqual({ ...none, silent: 1 });
  });

  it('counts a desk in the group of its owner, not in its own', async () => {
    const owner = randomUUID();
    const mine = await addDesk('o', elsewhere, {});
    await database.db.within({ tenant: scope.tenant }, async (tx) => {
      await tx
        .insertInto('account')
        .values({
          ...{ tenant_id: scope.tenant, instance_id: NIL_ID, id: owner, kind: 'local', group_id: site },
          ...{ name_sealed: Buffer.alloc(1), name_index: Buffer.from(owner), created_at: new Date(START) },
        })
        .execute();
      await tx.updateTable('device').set({ owner_id: owner }).where('id', '=', mine).execute();
    });
    expect(namesOf(await list(everybody(), { group: site }))).toBe('bwo');
    expect(namesOf(await list(everybody(), { group: elsewhere }))).toBe('s');
    expect(namesOf(await list(supervisorOf(site)))).toBe('bwo');
    const floor = await asking(everybody(), (reading) => readFloor(reading, {}));
    expect(floor.groups.find(({ id }) => id === site)?.counts.silent).toBe(1);
    await database.db.within(scope, (tx) => tx.updateTable('device').set({ status: 'retired' }).where('id', '=', mine).execute());
    expect(namesOf(await list(everybody(), { group: site }))).toBe('bw');
  });

  it('opens one desk with its findings, and does not find one that is unseen, as one that does not exist', async () => {
    const id = desks.w ?? '';
    await replica.intake.heartbeat({ ...scope, device: id }, aHeartbeat({ standing: 'blocked', sentAt: at(-1) }));
    const read = (actor: Actor, wanted: string) => asking(actor, (reading) => readDesk(reading, replica.keyring, wanted));
    const answer = DeskAnswer.parse(await read(everybody(), id));
    expect(answer).toMatchObject({ desk: { id, hostName: 'DESK-w.example.com' }, heartbeat: { held: { policy: 3 } }, sealedAt: null });
    expect(answer.findings.map(({ rule, outcome, evidence }) => [rule, outcome?.kind, evidence])).toEqual([
      ['dns', 'fail', { hosts: ['turn.example.com'], rttMs: 12 }],
      ['turn', 'fail', { hosts: ['turn.example.com'], rttMs: 12 }],
    ]);
    const refusals = [read(supervisorOf(elsewhere), id), read(everybody(), randomUUID())];
    const [unseen, missing] = await Promise.allSettled(refusals);
    expect(unseen).toMatchObject({ status: 'rejected', reason: { code: 'not-found', message: 'no such desk' } });
    expect(JSON.stringify(unseen)).toBe(JSON.stringify(missing));
    expect(DeskAnswer.parse(await read(everybody(), desks.n ?? ''))).toMatchObject({ verdict: null, heartbeat: null, findings: [] });
  });

  it('tells what a desk told, the newest first, page by page', async () => {
    now = START + 60_000;
    await report('c', { standing: 'caution', scope: 'changes', findings: [failing('turn')], seq: 1 });
    now = START;
    const read = (actor: Actor, query: object) =>
      asking(actor, (reading) => readTimeline(reading, replica.keyring, desks.c ?? '', TimelineRequest.parse(query)));
    const whole = TimelineAnswer.parse(await read(everybody(), {}));
    expect(whole.items.map(({ kind, receivedAt }) => `${receivedAt} ${kind}`).sort()).toEqual([
      `${at(0)} finding`,
      `${at(0)} finding`,
      `${at(0)} standing`,
      `${at(1)} finding`,
      `${at(1)} standing`,
    ]);
    expect(whole.items.map(({ receivedAt }) => receivedAt)).toEqual([at(1), at(1), at(0), at(0), at(0)]);
    const paged = [];
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await read(everybody(), { limit: 2, ...(after === undefined ? {} : { after }) });
      paged.push(...page.items);
      after = page.next ?? undefined;
    }
    expect(paged).toEqual(whole.items);
    await expect(read(supervisorOf(site), {})).rejects.toMatchObject({ code: 'not-found' });
  });
});

async function addTree(db: Db, tenant: string): Promise<void> {
  const common = { tenant_id: tenant, instance_id: NIL_ID };
  await db.within({ tenant }, (tx) =>
    tx
      .insertInto('hierarchy_group')
      .values([
        { ...common, id: region, parent_id: null, level: 1, name: 'region', path: [region] },
        { ...common, id: elsewhere, parent_id: null, level: 1, name: 'elsewhere', path: [elsewhere] },
        { ...common, id: site, parent_id: region, level: 2, name: 'site', path: [region, site] },
      ])
      .execute(),
  );
}

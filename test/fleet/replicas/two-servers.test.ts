import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DocumentsAnswer, HeartbeatAnswer } from '../../../contracts/fleet-api.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type EnrolledDesk, enrolDesks } from '../http/enrolled-desks.ts';
import { aHeartbeat, aReport } from '../intake/desk-reports.ts';
import { type Ask, type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';

const MINUTE_MS = 60_000;

describeWithDatabase('two servers on one database', () => {
  let one: RunningServer;
  let two: RunningServer;
  let admin: Person;
  let desks: EnrolledDesk[];
  let ahead = 0;
  beforeAll(async () => {
    const now = () => new Date(Date.now() + ahead);
    one = await runServer({ now });
    two = await runServer({ now, beside: one });
    admin = await signInAsAdmin(one);
    desks = await enrolDesks(one, admin, 3);
  }, 60_000);
  afterAll(async () => {
    await two?.close();
    await one?.close();
  });

  const [first, second, third] = [() => desks[0], () => desks[1], () => desks[2]].map((pick) => () => {
    const desk = pick();
    if (!desk) throw new Error('no desk');
    return desk;
  }) as [() => EnrolledDesk, () => EnrolledDesk, () => EnrolledDesk];
  const heartbeat = (held = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 }): Ask => ({
    method: 'POST',
    path: '/device/v1/heartbeat',
    body: aHeartbeat({ held }),
  });
  const report = (desk: EnrolledDesk, more = {}): Ask => ({ method: 'POST', path: '/device/v1/reports', body: aReport(desk.device, more) });
  const asAdmin = (server: RunningServer, ask: Ask) => server.console({ ...ask, headers: { cookie: admin.cookie, ...ask.headers } });
  const within = <T>(work: Parameters<typeof one.store.db.within<T>>[1]) => one.store.db.within({ tenant: one.tenant }, work);

  it('have one authority, and tell desks the same of it', async () => {
    expect(two.ca).toBe(one.ca);
    const [here, there] = [await one.device({ path: '/device/v1/trust' }), await two.device({ path: '/device/v1/trust' })];
    expect([here.status, here.text]).toEqual([200, there.text]);
  });

  it('take in at one what enrolled at the other, and count a report once wherever it comes', async () => {
    const desk = first();
    const sent = report(desk, { standing: 'blocked', epoch: randomUUID() });
    const replies = await Promise.all([two, one, two, one, two].map((at) => desk.ask(sent, at)));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const other = report(desk, { epoch: (sent.body as { epoch: string }).epoch, standing: 'clear' });
    expect((await desk.ask(other, one)).status).toBe(409);
    const changes = await within((tx) =>
      tx.selectFrom('standing_change').select('standing').where('device_id', '=', desk.device).execute(),
    );
    expect(changes.map(({ standing }) => standing)).toEqual(['blocked']);
    const shown = await asAdmin(one, { path: `/api/v1/desks/${desk.device}` });
    expect(shown.body).toMatchObject({ desk: { standing: 'blocked' } });
  });

  it('keep the order of a desk whose reports go now here, now there', async () => {
    const desk = third();
    const epoch = randomUUID();
    for (let seq = 0; seq < 12; seq += 1) {
      const standing = seq % 2 === 0 ? 'blocked' : 'clear';
      expect((await desk.ask(report(desk, { epoch, seq, standing }), seq % 3 === 0 ? one : two)).status).toBe(200);
    }
    const state = await within((tx) =>
      tx.selectFrom('desk_state').select(['standing']).where('device_id', '=', desk.device).executeTakeFirstOrThrow(),
    );
    expect(state.standing).toBe('clear');
  });

  it('hand out at one the policy that was published at the other', async () => {
    const base = `/api/v1/instances/${one.instance}`;
    const { region } = one.store.config.tenants[0]?.instances[0] ?? {};
    const text = `schema: 1\nid: floor\ninstance: { alias: acme, region: ${region} }\n`;
    const steps: [string, string, unknown][] = [
      ['PUT', `${base}/policies/floor`, { source: text }],
      ['POST', `${base}/policies/floor/revisions/1/publish`, {}],
      ['POST', `${base}/assignments`, { policy: 'floor', target: { kind: 'all' }, priority: 1 }],
    ];
    for (const [method, where, body] of steps) {
      const reply = await asAdmin(one, { method, path: where, body });
      expect(reply.status, `${method} ${where}: ${reply.text}`).toBeLessThan(300);
    }
    const beat = HeartbeatAnswer.parse((await first().ask(heartbeat(), two)).body);
    expect(beat.latest.policy).toBe(1);
    const documents = { path: '/device/v1/documents/policy?after=0' };
    const [there, here] = [await first().ask(documents, two), await first().ask(documents, one)];
    expect(DocumentsAnswer.parse(there.body).documents.map(({ kind, revision }) => `${kind} ${revision}`)).toEqual(['policy 1']);
    expect(here.text).toBe(there.text);
  });

  it('know a session of the other, and its end', async () => {
    const person = await signInAsAdmin(two, 'second');
    const ask = (at: RunningServer) => at.console({ path: '/api/v1/session', headers: { cookie: person.cookie } });
    expect([(await ask(one)).status, (await ask(two)).status]).toEqual([200, 200]);
    await one.console({ method: 'POST', path: '/api/v1/sign-out', headers: { cookie: person.cookie } });
    expect([(await ask(one)).status, (await ask(two)).status]).toEqual([401, 401]);
  });

  it('refuse within a minute the desk that the other revoked', async () => {
    const desk = second();
    expect([(await desk.ask(heartbeat(), one)).status, (await desk.ask(heartbeat(), two)).status]).toEqual([200, 200]);
    expect((await asAdmin(one, { method: 'POST', path: `/api/v1/desks/${desk.device}/revoke`, body: {} })).status).toBe(200);
    expect((await desk.ask(heartbeat(), one)).status).toBe(403);
    ahead += MINUTE_MS;
    const late = await desk.ask(heartbeat(), two);
    expect([late.status, late.body]).toEqual([403, { error: { code: 'revoked', detail: expect.any(String) } }]);
    expect((await desk.ask({ method: 'POST', path: '/device/v1/renew', body: { schema: 1, csr: desk.csr } }, two)).status).toBe(403);
    expect((await first().ask(heartbeat(), two)).status).toBe(200);
  });

  it('write one chain without a gap while both are called at once', async () => {
    const before = (await verifyAudit(one.store.db, one.tenant)).head.seq;
    const calls = Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? one : two)).map((server) =>
      asAdmin(server, { path: '/api/v1/session' }),
    );
    const replies = await Promise.all(calls);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    for (const tenant of [one.tenant, NIL_ID]) {
      const { broken, checked, head } = await verifyAudit(one.store.db, tenant);
      expect({ broken, checked }).toEqual({ broken: null, checked: head.seq });
    }
    expect((await verifyAudit(two.store.db, one.tenant)).head.seq).toBe(before + 60);
  });

  it('made what is made once, once', async () => {
    const made = await within(async (tx) => ({
      instances: await tx.selectFrom('instance').select('instance_id').where('instance_id', '!=', NIL_ID).execute(),
      jobs: await tx.selectFrom('job_run').selectAll().execute(),
    }));
    expect(made.instances).toHaveLength(1);
    expect((await one.store.db.tenants()).map(({ slug }) => slug)).toEqual(['acme']);
    expect([...one.events, ...two.events].filter(({ event }) => event === 'tenant-made')).toHaveLength(1);
    expect([...one.events, ...two.events].filter(({ event }) => event === 'fault')).toEqual([]);
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_REVISION } from '../../../contracts/signed-document.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { aFinding, aHeartbeat, aReport, failing } from '../intake/desk-reports.ts';
import { type Ask, type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';
import { type AuditWatch, watchAudit } from './audit-watch.ts';
import { type EnrolledDesk, enrolDesks, furtherTenant } from './enrolled-desks.ts';

const DAY_MS = 86_400_000;
const REPORTS = '/device/v1/reports';

describeWithDatabase('a desk that means harm', () => {
  let server: RunningServer;
  let admin: Person;
  let desk: EnrolledDesk;
  let neighbour: EnrolledDesk;
  let stranger: EnrolledDesk;
  let other: { tenant: string; instance: string };
  let audit: AuditWatch;
  let ahead = 0;
  beforeAll(async () => {
    server = await runServer({ now: () => new Date(Date.now() + ahead) });
    other = await furtherTenant(server, 'other');
    admin = await signInAsAdmin(server);
    const theirs = { ...server, ...other };
    [desk, neighbour] = (await enrolDesks(server, admin, 2)) as [EnrolledDesk, EnrolledDesk];
    [stranger] = (await enrolDesks(theirs, await signInAsAdmin(theirs), 1)) as [EnrolledDesk];
    audit = watchAudit(server, [other.tenant]);
  });
  afterAll(() => server.close());

  const own = (more: Parameters<typeof aReport>[1] = {}) => aReport(desk.device, { epoch: randomUUID(), ...more });
  const report = (body: unknown, headers = {}): Ask => ({ method: 'POST', path: REPORTS, body, headers });
  const send = (ask: Ask, as = desk) => audit.harmless(() => as.ask(ask), `${ask.path} ${String(JSON.stringify(ask.body)).slice(0, 200)}`);
  const refusal = async (ask: Ask, as = desk) => {
    const { status, body } = await send(ask, as);
    const { code = '', detail = '' } = (body as { error?: { code: string; detail: string } }).error ?? {};
    return `${status} ${code}: ${detail}`;
  };
  const states = (tenant: string) =>
    server.store.db.within({ tenant }, async (tx) => ({
      states: await tx.selectFrom('desk_state').selectAll().orderBy('device_id').execute(),
      findings: await tx.selectFrom('finding').select(['device_id', 'rule', 'digest']).orderBy('device_id').orderBy('rule').execute(),
      devices: await tx.selectFrom('device').selectAll().orderBy('id').execute(),
    }));

  /** As JSON text, so that what JSON.stringify would never write can be sent. */
  const text = (body: unknown, from: string, to: string) => JSON.stringify(body).replace(from, to);
  const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
  const bodies: [string, () => string | Buffer, RegExp][] = [
    ['deep JSON as evidence', () => text(own(), '"evidence":{', `"evidence":${deep},"x":{`), /^400 bad-request: .*nested deeper/],
    ['a key "__proto__" in the evidence', () => text(own(), '"evidence":{', '"evidence":{"__proto__":{"admin":true},'), /^400 .*__proto__/],
    ['the same, escaped', () => text(own(), '"evidence":{', '"evidence":{"\\u005f_proto__":{"admin":true},'), /^400 .*__proto__/],
    ['a key "constructor" at the top', () => text(own(), '"schema":1', '"schema":1,"constructor":{"prototype":{}}'), /^400 .*constructor/],
    ['more than a mebibyte', () => text(own(), '"evidence":{', `"evidence":{"a":"${'a'.repeat(1_100_000)}",`), /^413 too-large/],
    ['a number beyond all', () => text(own(), '"seq":0', '"seq":1e999'), /^400 bad-request: seq: /],
    ['a number beyond int8', () => text(own(), '"seq":0', '"seq":9223372036854775808'), /^400 bad-request: seq: /],
    ['a number beyond what is exact', () => text(own(), '"seq":0', '"seq":9007199254740993'), /^400 bad-request: seq: /],
    ['half a number', () => text(own(), '"seq":0', '"seq":0.5'), /^400 bad-request: seq: /],
    ['the year 0', () => JSON.stringify(own({ madeAt: '0000-01-01T00:00:00Z' })), /^400 bad-request: madeAt: /],
    ['the year 275760', () => JSON.stringify(own({ madeAt: '+275760-09-13T00:00:00Z' })), /^400 bad-request: madeAt: /],
    [
      'a 30th of February',
      () => text(own(), '"observedAt":"2026-03-02', '"observedAt":"2026-02-30'),
      /^400 bad-request: findings\.0\.observedAt: /,
    ],
    [
      'a revision beyond int4',
      () => JSON.stringify(own({ findings: [aFinding('a', { revision: 2 ** 31 })] })),
      /findings\.0\.revision: too large$/,
    ],
    ['a rule twice', () => JSON.stringify(own({ findings: [aFinding('a'), aFinding('a')] })), /findings\.1\.rule: a second finding/],
    [
      '201 findings',
      () => JSON.stringify(own({ findings: Array.from({ length: 201 }, (_, at) => aFinding(`r${at}`)) })),
      /^400 .*findings: /,
    ],
    ['schema 2', () => text(own(), '"schema":1', '"schema":2'), /^400 unsupported-schema: schema: /],
    ['another desk of the same tenant', () => JSON.stringify(aReport(neighbour.device)), /^400 bad-request: device: /],
    ["another tenant's desk", () => JSON.stringify(aReport(stranger.device)), /^400 bad-request: device: /],
    ['an array', () => '[]', /^400 bad-request/],
    ['null', () => 'null', /^400 bad-request/],
    ['nothing', () => '', /^400 bad-request/],
    ['bytes that are no UTF-8', () => Buffer.from(text(own(), '0.1.0', 'ÿ'), 'latin1'), /^400 bad-request: .*UTF-8/],
    ['UTF-16', () => Buffer.from(JSON.stringify(own()), 'utf16le'), /^400 bad-request/],
    ['a byte order mark', () => `\ufeff${text(own(), '"seq":0', '"seq":-1')}`, /^400 bad-request/],
  ];
  it.each(bodies)('is refused with %s as its report, by the place', async (_name, body, expected) => {
    const before = await states(server.tenant);
    expect(await refusal(report(body()))).toMatch(expected);
    expect(await states(server.tenant)).toEqual(before);
  });

  it('is refused in another charset, as a form, compressed, and with a path or a method that there is not', async () => {
    const body = JSON.stringify(own());
    expect(await refusal(report(body, { 'content-type': 'application/json; charset=utf-16' }))).toMatch(/^415 bad-request: .*UTF-8/);
    expect(await refusal(report(body, { 'content-type': 'application/x-www-form-urlencoded' }))).toMatch(/^415 bad-request/);
    expect(await refusal(report(Buffer.from([31, 139, 8, 0]), { 'content-encoding': 'gzip' }))).toMatch(/^400 bad-request/);
    expect(await refusal({ method: 'DELETE', path: REPORTS })).toMatch(/^404 bad-request/);
    expect(await refusal({ path: '/device/v1/%2e%2e/%2e%2e/etc/passwd' })).toMatch(/^404 bad-request/);
    expect(await refusal({ path: '/device/v1/documents/policy?after=0&after=1' })).toMatch(/^400 bad-request: querystring\.after: /);
    expect(await refusal({ path: '/device/v1/documents/policy?after=9007199254740992' })).toMatch(/^400 bad-request: querystring\.after: /);
    // Of the console, not of this listener.
    expect(await refusal({ path: '/api/v1/desks' })).toMatch(/^404/);
  });

  it('may send NUL, half a surrogate pair and a key twice in any text: they are stored harmlessly or refused by their place', async () => {
    for (const bad of ['a\u0000b', '\ud800', 'x\udfff', '\u202e\u0007']) {
      const finding = failing('turn', `why${bad}`, { evidence: { [`k${bad}`]: bad } });
      const given = own({ findings: [{ ...finding, outcome: { kind: 'fail', reason: `why${bad}`, args: { [`k${bad}`]: bad } } }] });
      const everywhere = {
        ...given,
        agent: { ...given.agent, version: bad },
        instance: { alias: bad, region: bad },
        sealed: bad,
        verdict: { ...given.verdict, policy: { id: bad, revision: 1 } },
      };
      expect((await send(report(everywhere))).status).toBe(200);
      const beat = aHeartbeat();
      const refused = [{ kind: bad, code: bad, detail: bad }];
      const heartbeat = { ...beat, agent: { ...beat.agent, version: bad }, refused };
      expect((await send({ method: 'POST', path: '/device/v1/heartbeat', body: heartbeat })).status).toBe(200);
      for (const field of ['id', 'device', 'epoch', 'madeAt', 'scope'] as const) {
        expect(await refusal(report({ ...own(), [field]: bad }))).toMatch(new RegExp(`^400 bad-request: ${field}: `));
      }
      expect((await admin.ask({ path: `/api/v1/desks/${desk.device}` })).status).toBe(200);
      expect((await admin.ask({ path: '/api/v1/desks' })).status).toBe(200);
    }
    const twice = text(own(), '"schema":1', '"schema":2,"schema":1');
    expect((await send(report(twice))).status).toBe(200);
  });

  it('counts a report that is replayed once, and refuses another under its number', async () => {
    const first = own({ standing: 'blocked', seq: 3 });
    expect((await send(report(first))).status).toBe(200);
    const before = await states(server.tenant);
    expect((await send(report(first))).status).toBe(200);
    expect(await refusal(report({ ...first, id: randomUUID(), verdict: { ...first.verdict, standing: 'clear' } }))).toMatch(
      /^409 sequence-taken/,
    );
    expect(await states(server.tenant)).toEqual(before);
    expect((await send(report(aReport(neighbour.device, { id: first.id })), neighbour)).status).toBe(200);
  });

  it('cannot use up the numbers of documents by what it says it holds', async () => {
    const claim = (most: number) => ({ policy: most, allowlist: most, waivers: most, sealing: most, keys: most });
    const beat = (most: number): Ask => ({ method: 'POST', path: '/device/v1/heartbeat', body: aHeartbeat({ held: claim(most) }) });
    for (let round = 0; round < 3; round += 1) {
      expect((await send(beat(MAX_REVISION))).status).toBe(200);
      expect((await send({ path: `/device/v1/documents/policy?after=${MAX_REVISION}` })).status).toBe(200);
    }
    expect(await refusal(beat(2 ** 53 - 1))).toMatch(/^400 bad-request: held\./);
    const counters = await server.store.db.within({ tenant: server.tenant }, (tx) =>
      tx.selectFrom('revision_counter').select('last').execute(),
    );
    for (const { last } of counters) expect(Number(last)).toBeLessThan(100);
  });

  it('of another tenant gets what is its own, and changes nothing here', async () => {
    const [before, records] = [await states(server.tenant), await audit.last()];
    expect((await send(report(aReport(stranger.device)), stranger)).status).toBe(200);
    expect((await send({ path: '/device/v1/documents/allowlist?after=0' }, stranger)).status).toBe(200);
    expect(await refusal(report(aReport(desk.device)), stranger)).toMatch(/^400 bad-request: device: /);
    expect(await states(server.tenant)).toEqual(before);
    expect(await audit.last()).toEqual(records);
    expect(await audit.last(other.tenant)).toMatchObject({ status: 400, actor: { kind: 'device', id: stranger.device } });
  });

  it('is refused where a proxy speaks for it, and known by its own address whatever is forwarded', async () => {
    expect(await refusal({ path: '/device/v1/documents/keys?after=0', headers: { 'x-forwarded-client-cert': 'Hash=00' } })).toMatch(
      /^400 /,
    );
    const forged = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9', 'user-agent': 'a\u00ff' };
    expect(await refusal(report('{}', forged))).toMatch(/^400 /);
    const record = await audit.last();
    if (!record) throw new Error('no record');
    expect(await audit.sourceOf(record)).toMatchObject({ address: '127.0.0.1' });
  });

  it('gets no further once its certificate has expired, but to a new one', async () => {
    ahead = 8 * DAY_MS;
    expect(await refusal(report(own()))).toMatch(/^401 not-enrolled: the certificate expired/);
    expect(await refusal({ path: '/device/v1/documents/policy?after=0' })).toMatch(/^401 not-enrolled/);
    const renewed = await send({ method: 'POST', path: '/device/v1/renew', body: { schema: 1, csr: desk.csr } });
    expect(renewed.status).toBe(200);
    const { certificate: cert } = renewed.body as { certificate: string };
    expect((await send({ path: '/device/v1/documents/policy?after=0', cert })).status).toBe(200);
    expect(await refusal({ method: 'POST', path: '/device/v1/renew', body: { schema: 1, csr: neighbour.csr }, cert })).toMatch(
      /^400 bad-request: body\.csr: /,
    );
    ahead = 0;
  });

  it('gets nothing more once it is revoked', async () => {
    expect((await admin.ask({ method: 'POST', path: `/api/v1/desks/${neighbour.device}/revoke`, body: {} })).status).toBe(200);
    for (const ask of [
      report(aReport(neighbour.device)),
      { method: 'POST', path: '/device/v1/heartbeat', body: aHeartbeat() },
      { path: '/device/v1/documents/policy?after=0' },
      { method: 'POST', path: '/device/v1/renew', body: { schema: 1, csr: neighbour.csr } },
    ]) {
      expect(await refusal(ask, neighbour)).toMatch(/^403 revoked/);
    }
  });

  it('has left no fault of ours in the log', () => {
    expect(server.events.filter(({ event }) => event === 'fault')).toEqual([]);
  });
});

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Heartbeat, RenewRequest } from '../../../contracts/fleet-api.ts';
import { Report } from '../../../contracts/report.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { aHeartbeat, aReport } from '../intake/desk-reports.ts';
import { type Ask, type RunningServer, runServer } from '../running-server.ts';
import { signInAsAdmin } from '../signed-in.ts';
import { type AuditWatch, watchAudit } from './audit-watch.ts';
import { type EnrolledDesk, enrolDesks } from './enrolled-desks.ts';
import { bodiesOf } from './schema-bodies.ts';

const seed = Number(process.env.DESKWARDEN_SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.DESKWARDEN_FUZZ ?? 40);

describeWithDatabase("an enrolled desk's requests", () => {
  let server: RunningServer;
  let desk: EnrolledDesk;
  let audit: AuditWatch;
  beforeAll(async () => {
    server = await runServer();
    [desk] = (await enrolDesks(server, await signInAsAdmin(server), 1)) as [EnrolledDesk];
    audit = watchAudit(server);
  });
  afterAll(() => server.close());

  const post = (path: string, body: unknown): Ask => ({ method: 'POST', path, body });
  const cases: [string, () => fc.Arbitrary<Ask>][] = [
    ['reports', () => bodiesOf(Report).map((body) => post('/device/v1/reports', body))],
    ['reports of its own', () => broken(aReport(desk.device)).map((body) => post('/device/v1/reports', body))],
    ['heartbeats', () => bodiesOf(Heartbeat).map((body) => post('/device/v1/heartbeat', body))],
    ['heartbeats that almost fit', () => broken(aHeartbeat()).map((body) => post('/device/v1/heartbeat', body))],
    ['renewals', () => bodiesOf(RenewRequest).map((body) => post('/device/v1/renew', body))],
    ['renewals that almost fit', () => broken({ schema: 1, csr: desk.csr }).map((body) => post('/device/v1/renew', body))],
    ['documents', () => documents()],
  ];

  it.each(cases)(`answers %s, valid and broken, seed ${seed}`, { timeout: 120_000 }, async (_name, asks) => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(asks(), async (ask) => {
        const { status } = await audit.harmless(() => desk.ask(ask), `${ask.path} ${JSON.stringify(ask.body)?.slice(0, 400)}`);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }),
      { seed, numRuns: RUNS },
    );
    expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([400]));
  });

  it('is still a desk like any other afterwards', async () => {
    const report = aReport(desk.device, { epoch: randomUUID() });
    expect((await audit.harmless(() => desk.ask(post('/device/v1/reports', report)), 'report')).status).toBe(200);
    expect((await audit.harmless(() => desk.ask(post('/device/v1/heartbeat', aHeartbeat())), 'heartbeat')).status).toBe(200);
    expect((await audit.harmless(() => desk.ask({ path: '/device/v1/documents/keys?after=0' }), 'keys')).status).toBe(200);
    expect((await desk.ask(post('/device/v1/renew', { schema: 1, csr: desk.csr }))).status).toBe(200);
    expect(server.events.filter(({ event }) => event === 'fault')).toEqual([]);
  });

  function documents(): fc.Arbitrary<Ask> {
    const kind = fc.oneof(
      fc.constantFrom('policy', 'allowlist', 'waivers', 'sealing', 'keys'),
      fc.webSegment().map((text) => text || 'x'),
    );
    const after = fc.oneof(
      fc.nat().map(String),
      fc.constantFrom('', '-1', '0x10', '1e3', '9007199254740991', '9007199254740992', '1e400', 'NaN', '%20', '%00', '1&after=2'),
      fc.webQueryParameters(),
    );
    return fc.tuple(kind, after).map(([one, text]) => ({ path: `/device/v1/documents/${one}?after=${text}` }));
  }
});

const odd: readonly unknown[] = [
  ...[null, true, [], {}, '', -1, 0.5, 2 ** 31, 2 ** 53 - 1, 2 ** 63, 1e308],
  ...['\u0000', 'a\u0000b', '\ud800', '\udfff\ud800', '\u202e', 'a'.repeat(3_000), "'; drop table device;--", '__proto__'],
  ...['0000-01-01T00:00:00Z', '+275760-09-13T00:00:00.000Z', '-000001-01-01T00:00:00Z', '9999-12-31T23:59:60Z', '2026-02-30T00:00:00Z'],
];

/** A request that fits, but for one value anywhere in it: another in its place, none, or one more key. */
function broken(whole: unknown): fc.Arbitrary<unknown> {
  const places = placesOf(whole);
  return fc
    .record({
      at: fc.constantFrom(...places),
      how: fc.constantFrom('replace', 'remove', 'add'),
      value: fc.oneof(fc.constantFrom(...odd), fc.string({ unit: 'binary', maxLength: 40 }), fc.jsonValue({ maxDepth: 2 })),
    })
    .map(({ at, how, value }) => changed(whole, at, how, value));
}

function placesOf(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [...(at.length > 0 ? [at] : []), ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...at, key]))];
}

function changed(whole: unknown, [key = '', ...rest]: readonly string[], how: string, value: unknown): unknown {
  const copy: Record<string, unknown> = Array.isArray(whole) ? ([...whole] as never) : { ...(whole as object) };
  if (rest.length > 0) copy[key] = changed(copy[key], rest, how, value);
  else if (how === 'replace') copy[key] = value;
  else if (how === 'remove') delete copy[key];
  else copy[`${key}x`] = value;
  return copy;
}

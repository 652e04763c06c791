import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createFleetClient, type FleetClient } from '../../../agent/fleet-link/client.ts';
import { LINK_DEADLINES } from '../../../agent/fleet-link/limits.ts';
import { systemClock } from '../../../agent/host/clock.ts';
import { catalog } from '../../../checks/catalog.ts';
import type { AnyCheck } from '../../../checks/check.ts';
import type { EnrolmentsAnswer } from '../../../contracts/console/enrolment.ts';
import { CheckId } from '../../../contracts/finding.ts';
import type { Enrolment } from '../../../contracts/identity.ts';
import { PolicyFile } from '../../../contracts/policy.ts';
import { readInstance } from '../../../fleet/documents/document-rows.ts';
import { openSigningKeys } from '../../../fleet/documents/signing-keys.ts';
import { storeRevision } from '../../../fleet/policies/revisions.ts';
import { aFinding, aReport } from '../../fleet/intake/desk-reports.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import type { RunningDaemon } from '../gate/enforced-desk.ts';
import { CANARY, type FleetDesk, isFleet, isOrders, isVerdict, openFleetDesk } from './fleet-desk.ts';
import { type Office, openOffice } from './office.ts';
import { type Caller, eventually, listDesks, type RealFleet, readDesk, timelineOf } from './real-fleet.ts';

const why = whyNoLab();
const TEST_MS = 120_000;
const TOMORROW = 'device.of-tomorrow';

describe.skipIf(why !== null)(`a desk and its fleet, over the desk’s life${why === null ? '' : `: ${why}`}`, () => {
  let office: Office;
  let fleet: RealFleet;
  let admin: Caller;
  /** Enrols with approval, and lives on. */
  let desk: FleetDesk;
  let daemon: RunningDaemon;
  let device = '';
  /** Goes from group to group. */
  let mover: FleetDesk;
  let moving: RunningDaemon;
  let moved = '';
  let [left, right] = ['', ''];
  let kid = '';
  let rotatedMs = 0;
  const figures: Record<string, number> = {};

  beforeAll(async () => {
    office = await openOffice();
    ({ fleet, admin } = office);
    [left, right] = [await office.addGroup('Left'), await office.addGroup('Right')];
    [desk, mover] = await Promise.all([
      openFleetDesk(fleet, office.ticketByHand),
      office.ticketFor(left).then((ticket) => openFleetDesk(fleet, ticket)),
    ]);
  }, TEST_MS);
  afterAll(async () => {
    await Promise.all([desk?.leave(), mover?.leave()]);
    await office?.close();
    console.log(JSON.stringify(figures));
  });

  const enrolments = async (status: string) =>
    (await admin.ask<EnrolmentsAnswer>('GET', `/api/v1/enrolments?status=${status}`)).items.map((entry) => entry.device);
  const entryOf = async (id: string) => (await listDesks(admin)).find((entry) => entry.id === id);

  it('waits for approval', { timeout: TEST_MS }, async () => {
    daemon = await desk.start();
    await daemon.when(isFleet('pending'), 0);
    expect((await desk.snapshot()).fleet.state).toBe('pending');
    expect((await desk.cli(['status'])).stdout).toContain('waits for its approval');
    [device = ''] = await enrolments('pending');
    expect(await entryOf(device)).toBeUndefined();
    await admin.ask('POST', `/api/v1/enrolments/${device}/approve`);
  });

  it('obeys the policy of the group that it was moved to, though that one is older', { timeout: TEST_MS }, async () => {
    const text = (id: string, every: number) => mover.policyText({ id, mode: 'observe', fail: 'warn', every });
    for (const id of ['right', 'left']) await office.store(id, text(id, 1));
    const older = await office.publish('right', 1);
    const newer = await office.publish('left', 1);
    expect(newer).toBeGreaterThan(older);
    await office.assign('right', right);
    await office.assign('left', left);
    moving = await mover.start();
    await moving.when(isOrders(`left ${newer}`), 0);
    moved = (await mover.snapshot()).fleet.device ?? '';
    expect((await entryOf(moved))?.group?.id).toBe(left);
    const movedMs = Date.now();
    await admin.ask('PATCH', `/api/v1/desks/${moved}`, { group: right });
    await mover.changeNetwork();
    await moving.when(isOrders(`right ${newer + 1}`), movedMs);
    expect((await mover.snapshot()).policy).toMatchObject({ id: 'right', revision: newer + 1, signed: true });
  });

  it('goes on under a newer fleet whose policy names a check that it lacks', { timeout: TEST_MS }, async () => {
    const rules = [{ check: TOMORROW, everyMs: 60_000, on: { fail: 'block', degraded: 'block', unknown: 'block' } }];
    const source = mover.policyText({ id: 'right', mode: 'observe', fail: 'warn', rules });
    // The fleet that runs lacks the check too, and would refuse the text.
    expect((await admin.reply('PUT', `/api/v1/instances/${office.instance}/policies/right`, { source })).status).toBe(400);
    await storeAsNewer(fleet, source);
    const { summary } = await office.preview('right');
    expect(summary?.rules.find(({ rule }) => rule === TOMORROW)?.notCollected).toEqual({ 'never-ran': 1 });
    const document = await office.publish('right', 2);
    const publishedMs = Date.now();
    await mover.changeNetwork();
    await moving.when(isOrders(`right ${document}`), publishedMs);
    const { value } = await eventually('its finding', async () => {
      const found = await readDesk(admin, moved);
      return found.findings.some(({ rule }) => rule === TOMORROW) && found;
    });
    expect(value.findings.find(({ rule }) => rule === TOMORROW)).toMatchObject({
      ...{ check: TOMORROW, revision: 0, judged: false },
      outcome: { kind: 'unknown', cause: 'unsupported' },
    });
    await eventually('its standing', async () => (await mover.snapshot()).verdict?.standing === 'clear');
    await eventually('its standing in the list', async () => (await entryOf(moved))?.standing === 'clear');
  });

  it('keeps unjudged what a newer desk found', { timeout: TEST_MS }, async () => {
    expect(await moving.stop()).toBe(0);
    const enrolled = await mover.enrolment();
    if (!enrolled) throw new Error('not enrolled');
    const evidence = { fanRpm: 900 };
    const outcome = { kind: 'fail' as const, reason: 'too-loud', args: { rpm: 900 } };
    const finding = aFinding('tomorrow', { check: CheckId.parse(TOMORROW), outcome, evidence });
    const { instance } = enrolled;
    const report = aReport(moved, { instance, epoch: randomUUID(), madeAt: new Date().toISOString(), findings: [finding] });
    const client = clientOf(fleet, enrolled);
    expect(await client.report(report)).toMatchObject({ ok: true });
    await client.close();
    expect((await readDesk(admin, moved)).findings).toMatchObject([
      { rule: 'tomorrow', check: TOMORROW, judged: false, outcome, evidence },
    ]);

    // Off while the signing key becomes another.
    rotatedMs = Date.now();
    kid = await fleet.beside(async (store) => (await (await openSigningKeys(store)).rotate()).kid);
    expect(await office.store('right', mover.policyText({ id: 'right', mode: 'observe', fail: 'warn', every: 2 }))).toBe(3);
  });

  it('is enrolled by itself once it is approved, and reports', { timeout: TEST_MS }, async () => {
    await daemon.when(isFleet('enrolled'), 0);
    const { tookMs } = await eventually('a first report', async () => (await entryOf(device))?.reportedAt);
    figures.firstReport = tookMs;
    expect((await desk.snapshot()).fleet.device).toBe(device);
    expect((await enrolments('enrolled')).toSorted()).toEqual([device, moved].toSorted());
  });

  it('follows a new signing key after it was off', { timeout: TEST_MS }, async () => {
    // A server hears of a key that another one made within ten seconds.
    await delay(Math.max(0, rotatedMs + 11_000 - Date.now()));
    const document = await office.publish('right', 3);
    moving = await mover.start();
    await moving.when(isOrders(`right ${document}`), 0);
    const { jws } = JSON.parse(await readFile(path.join(mover.stateDir, 'documents', 'policy.json'), 'utf8')) as { jws: string };
    expect(JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString('utf8'))).toMatchObject({ kid, revision: document });
    expect(moving.log().filter(({ event }) => event === 'fault')).toEqual([]);
  });

  it('is the same device after both were stopped, and tells in order what happened without its fleet', { timeout: TEST_MS }, async () => {
    const before = await desk.enrolment();
    const policyPath = path.join(await mkdtemp(path.join(tmpdir(), 'deskwarden-policy-')), 'policy.yaml');
    await writeFile(policyPath, desk.policyText({ id: 'floor', mode: 'observe', fail: 'block' }));
    const pushedMs = Date.now();
    await fleet.command('policy', 'push', policyPath, '--publish', '--assign');
    await rm(path.dirname(policyPath), { recursive: true });
    await desk.changeNetwork();
    await daemon.when(({ event, policy }) => event === 'orders' && String(policy).startsWith('floor '), pushedMs);
    await eventually('a report under the policy', async () => (await entryOf(device))?.standing === 'clear');

    expect(await daemon.stop()).toBe(0);
    await fleet.down();
    const downMs = Date.now();
    daemon = await desk.start();
    const changes: [() => Promise<void>, string][] = [
      [desk.breakCanary, 'blocked'],
      [desk.mendCanary, 'clear'],
      [desk.breakCanary, 'blocked'],
    ];
    const madeAt: number[] = [];
    for (const [change, standing] of changes) {
      const changedMs = Date.now();
      await change();
      madeAt.push(await daemon.when(isVerdict(standing), changedMs));
      // One report tells of what happens within two seconds.
      await delay(2_500);
    }
    expect((await desk.snapshot()).fleet).toMatchObject({ state: 'enrolled', device, trouble: expect.anything() });
    expect((await desk.snapshot()).fleet.waitingReports).toBeGreaterThanOrEqual(3);
    await fleet.up();
    const backMs = Date.now();
    await desk.changeNetwork();
    await eventually('nothing waits any more', async () => {
      const { waitingReports, trouble } = (await desk.snapshot()).fleet;
      return waitingReports === 0 && trouble === null;
    });
    figures.toldAfterReturn = Date.now() - backMs;

    const told = (await timelineOf(admin, device)).flatMap((line) => (line.kind === 'standing' ? [line] : []));
    expect(told.slice(-3)).toMatchObject([
      { standing: 'blocked', causes: [CANARY] },
      { standing: 'clear', causes: [] },
      { standing: 'blocked', causes: [CANARY] },
    ]);
    const gaps = told.slice(-3).map(({ at }, index) => Date.parse(at) - (madeAt[index] ?? 0));
    // By the desk's time, not by when the fleet heard of it.
    for (const gapMs of gaps) expect(gapMs).toBeLessThan(3_500);
    for (const { receivedAt } of told.slice(-3)) expect(Date.parse(receivedAt)).toBeGreaterThanOrEqual(downMs);
    expect((await enrolments('enrolled')).toSorted()).toEqual([device, moved].toSorted());
    expect(await desk.enrolment()).toEqual(before);
    expect(daemon.log().filter(isFleet('enrolled'))).toEqual([]);
  });

  it('hears that it was revoked, says so, and is refused from then on', { timeout: TEST_MS }, async () => {
    const enrolled = await desk.enrolment();
    if (!enrolled) throw new Error('not enrolled');
    const revokedMs = Date.now();
    await admin.ask('POST', `/api/v1/desks/${device}/revoke`);
    const client = clientOf(fleet, enrolled);
    const answers = [await client.documents('policy', 0), await client.renew({ schema: 1, csr: ANY_CSR })];
    await client.close();
    for (const answer of answers) expect(answer).toMatchObject({ ok: false, fault: { code: 'revoked' } });

    figures.heardOfRevocation = (await daemon.when(isFleet('revoked'), 0)) - revokedMs;
    const { fleet: link, gate } = await desk.snapshot();
    expect(link).toMatchObject({ state: 'revoked', trouble: { code: 'revoked' } });
    expect(gate).toMatchObject({ acting: false, notActingBecause: 'not-enrolled' });
    expect((await desk.cli(['status'])).stdout).toContain('has revoked this desk');
    // Goes on as a desk without a fleet.
    const mendedMs = Date.now();
    await desk.mendCanary();
    await daemon.when(isVerdict('clear'), mendedMs);
    expect(await daemon.stop()).toBe(0);
    daemon = await desk.start();
    await eventually('its standing', async () => (await desk.snapshot()).verdict?.standing === 'clear');
    expect((await desk.snapshot()).fleet.state).toBe('revoked');
    expect(await daemon.stop()).toBe(0);
    expect(fleet.complaints).toEqual([]);
  });
});

function clientOf(fleet: RealFleet, { trust, certificate, key }: Enrolment): FleetClient {
  return createFleetClient({
    ...{ server: fleet.deviceUrl, ca: trust.ca, credentials: { certificate, key } },
    ...{ proxyFor: () => null, deadlines: LINK_DEADLINES, clock: systemClock },
  });
}

/** A draft that a replica of a later version has stored. */
function storeAsNewer(fleet: RealFleet, source: string): Promise<unknown> {
  const [any] = catalog;
  if (!any) throw new Error('no checks');
  const checks: AnyCheck[] = [...catalog, { ...any, id: CheckId.parse(TOMORROW) }];
  return fleet.beside(async ({ db, now }) => {
    const [tenant] = await db.tenants();
    return db.within({ tenant: tenant?.id ?? '' }, async (tx) => {
      const { instance_id: id } = await tx.selectFrom('instance').select('instance_id').executeTakeFirstOrThrow();
      const instance = await readInstance(tx, id);
      if (!instance) throw new Error('no instance');
      return storeRevision(tx, instance, { file: PolicyFile.parse(parse(source)), source, checks, by: null, now: now() });
    });
  });
}

const ANY_CSR = `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(64)}\n-----END CERTIFICATE REQUEST-----\n`;

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { GrantAnswer, ReleaseCodeAnswer } from '../../../contracts/console/waivers.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import type { RunningDaemon } from '../gate/enforced-desk.ts';
import { CANARY, type FleetDesk, isGate, isOrders, isVerdict, openFleetDesk } from './fleet-desk.ts';
import { type Office, openOffice } from './office.ts';
import { eventually, listDesks, readDesk, timelineOf } from './real-fleet.ts';

const why = whyNoLab();
const TEST_MS = 120_000;
/** From the approval of a waiver to the open gate: a heartbeat of a desk that is not clear, and what comes of it. */
const WAIVER_HEARD_MS = 20_000;

describe.skipIf(why !== null)(`a desk that obeys its fleet${why === null ? '' : `: ${why}`}`, () => {
  let office: Office;
  let desk: FleetDesk;
  let daemon: RunningDaemon;
  let device = '';
  let group = '';
  const figures: Record<string, number> = {};

  beforeAll(async () => {
    office = await openOffice();
    group = await office.addGroup('Berlin');
    desk = await openFleetDesk(office.fleet, await office.ticketFor(group));
    await office.store('floor', desk.policyText({ id: 'floor', mode: 'observe', fail: 'warn' }));
    await office.publish('floor', 1);
    await office.assign('floor', group);
    daemon = await desk.start();
    await daemon.when(isOrders('floor 1'), 0);
    device = (await desk.snapshot()).fleet.device ?? '';
  }, TEST_MS);
  afterAll(async () => {
    console.log(JSON.stringify(figures));
    await daemon?.stop();
    await desk?.leave();
    await office?.close();
  });

  const standingInList = async () => (await listDesks(office.admin)).find(({ id }) => id === device)?.standing;
  const openedAgain = (afterMs: number) => daemon.when(isGate('open'), afterMs);

  it('closes its gate by a policy that was published with the number of its preview', { timeout: TEST_MS }, async () => {
    const brokenMs = Date.now();
    await desk.breakCanary();
    await daemon.when(isVerdict('caution'), brokenMs);
    await eventually('caution in the list', async () => (await standingInList()) === 'caution');
    // The list has it by a heartbeat; a preview judges what was reported.
    await eventually('its evidence', async () =>
      (await readDesk(office.admin, device)).findings.some(({ rule, outcome }) => rule === CANARY && outcome?.kind === 'fail'),
    );

    await office.store('floor', desk.policyText({ id: 'floor', mode: 'enforce', fail: 'block' }));
    expect(await office.refusal('floor', 2)).toMatchObject({ code: 'preview-needed', detail: expect.stringContaining('preview it') });
    const preview = await office.preview('floor');
    expect(preview.summary).toMatchObject({ reached: 1, newlyBlocked: 1 });
    const refused = await office.refusal('floor', 2);
    expect(refused.detail).toContain(`1 of 1 desks would newly be blocked: accept { preview: "${preview.id}", blocks: 1 }`);
    expect(await office.refusal('floor', 2, { preview: preview.id, blocks: 0 })).toMatchObject({ code: 'preview-needed' });
    const publishedMs = Date.now();
    const document = await office.publish('floor', 2, { preview: preview.id, blocks: 1 });
    await desk.changeNetwork();
    await daemon.when(isOrders(`floor ${document}`), publishedMs);
    await daemon.when(isGate('closed'), publishedMs);
    const { policy, gate } = await desk.snapshot();
    expect(policy).toMatchObject({ id: 'floor', revision: document, signed: true });
    expect(gate).toMatchObject({ state: 'closed', acting: true });

    const mendedMs = Date.now();
    await desk.mendCanary();
    await openedAgain(mendedMs);
    await eventually('clear in the list', async () => (await standingInList()) === 'clear');
    const againMs = Date.now();
    await desk.breakCanary();
    const { tookMs } = await eventually('blocked in the list', async () => (await standingInList()) === 'blocked', 10_000);
    figures.blockedInList = tookMs;
    figures.blockedVerdict = (await daemon.when(isVerdict('blocked'), againMs)) - againMs;
    figures.blockedGate = (await daemon.when(isGate('closed'), againMs)) - againMs;
  });

  it('opens by a waiver that two people made, and closes at its end', { timeout: TEST_MS }, async () => {
    const { admin, second, instance } = office;
    const until = new Date(Date.now() + 25_000);
    const { id } = await admin.ask<z.infer<typeof GrantAnswer>>('POST', '/api/v1/waivers', {
      ...{ instance, rule: CANARY, reason: 'The carrier mends its line', until: until.toISOString() },
      target: { kind: 'device', device },
    });
    expect((await admin.reply('POST', `/api/v1/waivers/${id}/approve`)).status).toBe(403);
    await second.ask('POST', `/api/v1/waivers/${id}/approve`);
    const approvedMs = Date.now();
    const openedMs = await openedAgain(approvedMs);
    figures.waiverOpens = openedMs - approvedMs;
    expect(figures.waiverOpens).toBeLessThan(WAIVER_HEARD_MS);
    const { verdict } = await desk.snapshot();
    expect(verdict).toMatchObject({ standing: 'caution', waivers: [id], causes: [{ rule: CANARY, waiver: id }] });
    await eventually('caution in the list', async () => (await standingInList()) === 'caution');
    figures.waiverEnds = (await daemon.when(isGate('closed'), openedMs)) - until.getTime();
    expect(figures.waiverEnds).toBeGreaterThanOrEqual(0);
    expect(figures.waiverEnds).toBeLessThan(10_000);
  });

  it('opens by a release of its group, by two people too', { timeout: TEST_MS }, async () => {
    const { admin, second, instance } = office;
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const path = '/api/v1/group-releases';
    const { id } = await admin.ask<z.infer<typeof GrantAnswer>>('POST', path, { instance, group, reason: 'The rule was wrong', until });
    expect((await admin.reply('POST', `${path}/${id}/approve`)).status).toBe(403);
    expect((await desk.snapshot()).gate.state).toBe('closed');
    await second.ask('POST', `${path}/${id}/approve`);
    const approvedMs = Date.now();
    await desk.changeNetwork();
    await openedAgain(approvedMs);
    expect((await desk.snapshot()).verdict).toMatchObject({ standing: 'caution', waivers: [expect.any(String)] });
    const endedMs = Date.now();
    await second.ask('POST', `${path}/${id}/end`);
    await desk.changeNetwork();
    await daemon.when(isGate('closed'), endedMs);
  });

  it('takes the code that the fleet reads out, once, and tells of the release', { timeout: TEST_MS }, async () => {
    const { code } = await office.admin.ask<z.infer<typeof ReleaseCodeAnswer>>('POST', `/api/v1/desks/${device}/release-code`);
    const other = `${(Number(code[0]) + 1) % 10}${code.slice(1)}`;
    expect((await desk.cli(['gate', 'release', '--code'], `${other}\n`)).code).not.toBe(0);
    const releasedMs = Date.now();
    const taken = await desk.cli(['gate', 'release', '--code'], `${code}\n`);
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('The gate is open until') });
    await openedAgain(releasedMs);
    const { value } = await eventually('a record of the release', async () =>
      (await timelineOf(office.admin, device)).find((line) => line.kind === 'release'),
    );
    expect(value).toMatchObject({ kind: 'release', by: 'code' });
    expect((await desk.cli(['gate', 'release', '--code'], `${code}\n`)).code).not.toBe(0);
    expect((await desk.snapshot()).verdict?.standing).toBe('blocked');
  });

  it('obeys what was rolled back, as a new revision', { timeout: TEST_MS }, async () => {
    const { revision } = await office.rollBack('floor', 1);
    expect(revision).toBe(3);
    const publishedMs = Date.now();
    const document = await office.publish('floor', revision);
    await desk.changeNetwork();
    await daemon.when(isOrders(`floor ${document}`), publishedMs);
    await daemon.when(isVerdict('caution'), publishedMs);
    await delay(5_000);
    await desk.changeNetwork();
    expect((await desk.snapshot()).gate).toMatchObject({ acting: false, notActingBecause: 'observe' });
    await eventually('the revision in the fleet', async () => {
      const { heartbeat, desk: shown } = await readDesk(office.admin, device);
      return heartbeat?.held.policy === document && shown.standing === 'caution';
    });
    expect(daemon.log().filter(({ event }) => event === 'fault')).toEqual([]);
    expect(office.fleet.complaints).toEqual([]);
  });
});

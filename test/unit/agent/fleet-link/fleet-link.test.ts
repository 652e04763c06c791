import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { enrol } from '../../../../agent/fleet-link/enrol.ts';
import { createFleetLink, type FleetLink, type LinkEvent, type LinkSettings } from '../../../../agent/fleet-link/fleet-link.ts';
import type { IdentityFile } from '../../../../agent/fleet-link/identity.ts';
import type { Revisions } from '../../../../contracts/fleet-api.ts';
import { sampleReport } from './sample-report.ts';
import { sampleSituation } from './sample-situation.ts';
import { agent, DAY_MS, DEADLINES, identityText, type Stage, stage } from './staged-link.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage();
});
afterAll(() => staged.close());

const links: FleetLink[] = [];
afterEach(async () => {
  staged.fleet.misbehave('*', null);
  staged.fleet.state.published.length = 0;
  await Promise.all(links.splice(0).map((link) => link.stop()));
});

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const beats = () => staged.fleet.seen.heartbeats.length;
const requests = (route: string) => staged.fleet.seen.requests[route] ?? 0;

async function linkOf(identity: IdentityFile, more: Partial<LinkSettings> = {}) {
  const desk = {
    standing: 'clear' as 'clear' | 'blocked',
    held: { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 } as Revisions,
    offered: [] as string[],
    refuses: new Map<string, string>(),
    fulls: 0,
    changes: 0,
    events: [] as LinkEvent[],
  };
  const link = await createFleetLink({
    identity,
    enrolment: undefined,
    hostName: 'desk-1',
    agent,
    proxyFor: () => null,
    clock: staged.clock,
    deadlines: DEADLINES,
    random: () => 0.5,
    hooks: {
      situation: () => sampleSituation(desk.standing),
      standing: () => desk.standing,
      held: () => desk.held,
      async accept(kind, envelope) {
        const { revision } = envelope as { revision: number };
        desk.offered.push(`${kind} ${revision}`);
        const detail = desk.refuses.get(kind);
        if (detail !== undefined) return { ok: false, code: 'bad-request', detail };
        desk.held = { ...desk.held, [kind]: revision };
        return { ok: true };
      },
      onHeard() {},
      onWantFull: () => void desk.fulls++,
      onEnrolment: () => void desk.changes++,
      log: (event) => void desk.events.push(event),
    },
    ...more,
  });
  links.push(link);
  return { link, desk };
}

async function enrolledLink(more: Partial<LinkSettings> = {}) {
  const dir = await staged.newDir();
  const { identity, enrolled } = await staged.enrolled(dir);
  return { dir, identity, enrolled, ...(await linkOf(identity, more)) };
}

/** Steps every `everyMs` for `forMs`; the times, from now, at which a heartbeat came in. */
async function beatTimes(link: FleetLink, forMs: number, everyMs: number): Promise<number[]> {
  const times: number[] = [];
  for (let ms = 0; ms <= forMs; ms += everyMs) {
    const before = beats();
    await link.step();
    if (beats() > before) times.push(ms);
    staged.clock.advance(everyMs);
  }
  return times;
}

describe('heartbeats', () => {
  it('come every 5 minutes, and every 15 s while the standing is not clear', async () => {
    const { link, desk } = await enrolledLink();
    expect(await beatTimes(link, 15 * MINUTE_MS, 30_000)).toEqual([0, 5 * MINUTE_MS, 10 * MINUTE_MS, 15 * MINUTE_MS]);
    desk.standing = 'blocked';
    expect(link.waitMs()).toBe(0);
    expect(await beatTimes(link, 60_000, 5_000)).toEqual([0, 15_000, 30_000, 45_000, 60_000]);
    expect(link.state()).toMatchObject({ state: 'enrolled', trouble: null, server: staged.fleet.url });
  });

  it.each([
    [0, 270_000],
    [0.5, 300_000],
    [0.999_999, 330_000],
  ])('are spread by 10 %% to either side (random %d)', async (random, waitMs) => {
    const { link } = await enrolledLink({ random: () => random });
    await link.step();
    expect(Math.round(link.waitMs() / 10) * 10).toBe(waitMs);
  });

  it('come less often while nobody answers, and at once when the desk is told to hurry', async () => {
    const { link, desk } = await enrolledLink();
    await staged.fleet.down();
    const tries: number[] = [];
    for (let ms = 0; ms <= 20 * MINUTE_MS; ms += 5_000) {
      const due = link.waitMs() <= 0;
      await link.step();
      if (due) tries.push(ms / 1_000);
      staged.clock.advance(5_000);
    }
    expect(tries).toEqual([0, 15, 45, 105, 225, 465, 765, 1065]);
    expect(link.state().trouble?.code).toBe('refused');
    expect(desk.events.filter(({ event }) => event === 'fault')).toHaveLength(1);
    await staged.fleet.up();
    link.hurry();
    await link.step();
    expect(link.state().trouble).toBeNull();
    expect(desk.events.at(-1)).toMatchObject({ event: 'fleet', what: 'heard' });
  });

  it('rest as long as the fleet asks for, within bounds', async () => {
    const { link } = await enrolledLink();
    staged.fleet.misbehave('/device/v1/heartbeat', { does: 'refuse', status: 429, code: 'slow-down', retryAfterSec: 400 }, 1);
    await link.step();
    link.hurry();
    expect(link.waitMs()).toBe(400_000);
    expect(await beatTimes(link, 430_000, 10_000)).toEqual([400_000]);
  });

  it('ask for a full report when the fleet lacks one', async () => {
    const { link, desk, enrolled } = await enrolledLink();
    staged.fleet.wantFull(enrolled.device);
    await beatTimes(link, 6 * MINUTE_MS, MINUTE_MS);
    expect(desk.fulls).toBe(1);
  });
});

describe('documents', () => {
  const publishAll = () => {
    for (const kind of ['sealing', 'waivers', 'allowlist', 'policy', 'keys'] as const) staged.fleet.publish(kind, { schema: 1 }, 3);
  };

  it('are taken in order, keys first, each once', async () => {
    const { link, desk } = await enrolledLink();
    staged.fleet.publish('keys', { schema: 1 }, 2);
    publishAll();
    await beatTimes(link, 6 * MINUTE_MS, MINUTE_MS);
    expect(desk.offered).toEqual(['keys 2', 'keys 3', 'policy 3', 'allowlist 3', 'waivers 3', 'sealing 3']);
    expect(staged.fleet.seen.heartbeats.at(-1)?.held).toEqual({ policy: 3, allowlist: 3, waivers: 3, sealing: 3, keys: 3 });
  });

  it('that are refused are told to the fleet, and left alone until there is a newer one', async () => {
    const { link, desk } = await enrolledLink();
    desk.standing = 'blocked';
    desk.refuses.set('policy', 'rules.0.check: unknown');
    publishAll();
    await beatTimes(link, 10 * MINUTE_MS, 15_000);
    expect(desk.offered.filter((one) => one === 'policy 3')).toHaveLength(1);
    const refused = [{ kind: 'policy', code: 'bad-request', detail: 'rules.0.check: unknown' }];
    expect(staged.fleet.seen.heartbeats.at(-1)?.refused).toEqual(refused);
    await beatTimes(link, 10 * MINUTE_MS, MINUTE_MS);
    expect(desk.offered.filter((one) => one === 'policy 3')).toHaveLength(2);

    desk.refuses.clear();
    staged.fleet.publish('policy', { schema: 1 }, 4);
    await beatTimes(link, 30_000, 15_000);
    expect(desk.offered.at(-1)).toBe('policy 4');
    expect(staged.fleet.seen.heartbeats.at(-1)?.refused).toEqual([]);
  });

  it('reach a desk that waits for a waiver with the next heartbeat, at most 16.5 s later', async () => {
    const { link, desk } = await enrolledLink({ random: () => 0.999_999 });
    desk.standing = 'blocked';
    await link.step();
    staged.fleet.publish('waivers', { schema: 1 }, 1);
    expect(link.waitMs()).toBeLessThanOrEqual(16_500);
    staged.clock.advance(link.waitMs());
    await link.step();
    expect(desk.held.waivers).toBe(1);
  });
});

describe('a certificate', () => {
  it('is renewed for the same key after two thirds of its life, not before', async () => {
    const { link, identity, enrolled } = await enrolledLink();
    staged.clock.advance(4.6 * DAY_MS);
    await link.step();
    expect(link.enrolment()?.certificate).toBe(enrolled.certificate);
    staged.clock.advance(0.1 * DAY_MS);
    await link.step();
    const renewed = link.enrolment();
    expect(renewed?.certificate).not.toBe(enrolled.certificate);
    expect([renewed?.key, renewed?.device]).toEqual([enrolled.key, enrolled.device]);
    expect((await identity.read()).enrolled).toEqual(renewed);
    await beatTimes(link, 4 * DAY_MS, 12 * HOUR_MS);
    expect(link.state()).toMatchObject({ state: 'enrolled', trouble: null });
  });

  it('that ended 30 days ago is renewed, and the desk is back by itself', async () => {
    const { link, enrolled, desk } = await enrolledLink();
    staged.clock.advance(37 * DAY_MS);
    await link.step();
    expect(link.state()).toMatchObject({ state: 'enrolled', device: enrolled.device, trouble: null });
    expect(link.enrolment()?.key).toBe(enrolled.key);
    expect(desk.events).toMatchObject([{ what: 'renewed' }]);
  });

  it('that ended 91 days ago is not, and is not asked for either; a ticket enrols the desk anew', async () => {
    const dir = await staged.newDir();
    const ticketFile = path.join(dir, 'ticket');
    const enrolment = { server: staged.fleet.url, ticketFile, goldenImage: false };
    const { identity, enrolled } = await staged.enrolled(dir);
    const { link, desk } = await linkOf(identity, { enrolment });
    staged.clock.advance(98.1 * DAY_MS);
    const before = requests('POST /device/v1/renew');
    await beatTimes(link, 30 * MINUTE_MS, MINUTE_MS);
    expect(link.state().trouble).toMatchObject({ code: 'ticket-file' });
    expect(requests('POST /device/v1/renew')).toBe(before);
    await writeFile(ticketFile, staged.fleet.makeTicket(), { mode: 0o600 });
    staged.clock.advance(HOUR_MS);
    await link.step();
    expect(link.state()).toMatchObject({ state: 'enrolled', trouble: null });
    expect(link.state().device).not.toBe(enrolled.device);
    expect(desk.changes).toBe(1);
  });

  it('is renewed by the fleet’s clock, however wrong this desk’s is', async () => {
    const clock = { ...staged.clock, wallMs: () => staged.clock.wallMs() + 40 * DAY_MS };
    const { link } = await enrolledLink({ clock });
    const before = requests('POST /device/v1/renew');
    await beatTimes(link, 2 * HOUR_MS, 5 * MINUTE_MS);
    // Once by mistake, before the fleet told the time.
    expect(requests('POST /device/v1/renew')).toBe(before + 1);
    expect(link.state()).toMatchObject({ state: 'enrolled', trouble: null });
  });
});

describe('a desk that the fleet has revoked', () => {
  it('says so, is no longer enrolled, asks once an hour, and comes back when the fleet takes it back', async () => {
    const { dir, link, desk, enrolled } = await enrolledLink();
    await link.step();
    staged.fleet.revoke(enrolled.device);
    const asked = () => requests('POST /device/v1/heartbeat');
    const before = asked();
    await beatTimes(link, 6 * HOUR_MS, MINUTE_MS);
    expect(asked() - before).toBe(6);
    expect([link.enrolment(), desk.changes, link.state()]).toMatchObject([null, 1, { state: 'revoked', trouble: { code: 'revoked' } }]);
    expect(await link.send(sampleReport(enrolled.device, 0))).toMatchObject({ status: 'not-allowed', code: 'revoked' });
    // A restart does not forget it.
    const again = await linkOf(await staged.openIdentity(dir));
    expect(again.link.state().state).toBe('revoked');

    staged.fleet.reinstate(enrolled.device);
    staged.clock.advance(HOUR_MS);
    await link.step();
    expect([link.enrolment()?.device, desk.changes, link.state().trouble]).toEqual([enrolled.device, 2, null]);
  });

  it('does not enrol itself again by a ticket that still lies about', async () => {
    const dir = await staged.newDir();
    const ticketFile = path.join(dir, 'ticket');
    await writeFile(ticketFile, staged.fleet.makeTicket({ maxUses: 100 }), { mode: 0o600 });
    const { link } = await linkOf(await staged.openIdentity(dir), {
      enrolment: { server: staged.fleet.url, ticketFile, goldenImage: false },
    });
    await link.step();
    staged.fleet.revoke(link.state().device ?? '');
    const before = requests('POST /device/v1/enrol');
    await beatTimes(link, DAY_MS, 10 * MINUTE_MS);
    expect([link.state().state, requests('POST /device/v1/enrol')]).toEqual(['revoked', before]);
  });
});

describe('a desk that is to enrol by itself', () => {
  it('does so once IT has left it a ticket, and says nothing of the secret anywhere', async () => {
    const dir = await staged.newDir();
    const ticketFile = path.join(dir, 'ticket.txt');
    const enrolment = { server: staged.fleet.url, ticketFile, goldenImage: false };
    const { link, desk } = await linkOf(await staged.openIdentity(dir), { enrolment });
    await link.step();
    expect(link.state()).toMatchObject({ state: 'not-enrolled', server: staged.fleet.url, trouble: { code: 'ticket-file' } });
    const ticket = staged.fleet.makeTicket({ approval: 'by-hand' });
    await writeFile(ticketFile, `${ticket}\n`, { mode: 0o600 });
    staged.clock.advance(MINUTE_MS);
    await link.step();
    expect(link.state()).toMatchObject({ state: 'pending', trouble: null });
    const before = requests('POST /device/v1/enrol');
    await beatTimes(link, 5 * MINUTE_MS, 10_000);
    expect(requests('POST /device/v1/enrol') - before).toBe(5);
    staged.fleet.approve(staged.fleet.devices().at(-1)?.id ?? '');
    staged.clock.advance(MINUTE_MS);
    await link.step();
    expect([link.state().state, desk.changes]).toEqual(['enrolled', 1]);
    const [, secret = 'none'] = ticket.split('.');
    expect(`${JSON.stringify([desk.events, link.state()])}${await identityText(dir)}`).not.toContain(secret);
  });

  it('leaves a refused ticket alone, tells why, and tries another at once', async () => {
    const dir = await staged.newDir();
    const ticketFile = path.join(dir, 'ticket');
    await writeFile(ticketFile, staged.fleet.makeTicket({ maxUses: 0 }), { mode: 0o600 });
    const enrolment = { server: staged.fleet.url, ticketFile, goldenImage: false };
    const { link } = await linkOf(await staged.openIdentity(dir), { enrolment });
    const before = requests('POST /device/v1/enrol');
    await beatTimes(link, HOUR_MS, 15_000);
    expect(requests('POST /device/v1/enrol') - before).toBe(3);
    expect(link.state().trouble).toEqual({ code: 'ticket-refused', detail: 'used up' });
    await writeFile(ticketFile, staged.fleet.makeTicket());
    staged.clock.advance(MINUTE_MS);
    await link.step();
    expect(link.state().state).toBe('enrolled');
  });

  it('sees an enrolment that the command line has made', async () => {
    const dir = await staged.newDir();
    const { link, desk } = await linkOf(await staged.openIdentity(dir));
    await link.step();
    expect([link.state(), link.waitMs()]).toMatchObject([{ state: 'not-enrolled', server: null, trouble: null }, Infinity]);
    const { enrolled } = await staged.enrolled(dir);
    const before = beats();
    await link.step();
    expect([link.enrolment()?.device, desk.changes, beats()]).toEqual([enrolled.device, 1, before + 1]);

    const byHand = await enrol(staged.enrolSettings(await staged.openIdentity(dir), { ticket: staged.fleet.makeTicket(), byHand: true }));
    await link.step();
    expect(byHand).toMatchObject({ status: 'enrolled', enrolled: { device: link.state().device } });
    expect(desk.changes).toBe(2);
  });
});

it('sends reports, and says what became of each', async () => {
  const { link, enrolled } = await enrolledLink();
  const first = sampleReport(enrolled.device, 0);
  const { seen } = staged.fleet;
  const duplicates = seen.duplicates;
  expect(await link.send(first)).toEqual({ status: 'accepted', sealedFault: null });
  expect(await link.send(first)).toEqual({ status: 'accepted', sealedFault: null });
  expect(seen.duplicates - duplicates).toBe(1);
  expect(await link.send({ ...sampleReport(enrolled.device, 0), epoch: first.epoch })).toEqual({ status: 'sequence-taken' });
  expect(await link.send({ ...first, seq: -1 })).toMatchObject({ status: 'refused', code: 'bad-request' });
  staged.fleet.misbehave('/device/v1/reports', { does: 'refuse', status: 503, code: 'unavailable', retryAfterSec: 9 }, 1);
  expect(await link.send(first)).toMatchObject({ status: 'retry', afterMs: 9_000, code: 'unavailable' });
  staged.fleet.misbehave('/device/v1/reports', { does: 'huge' }, 1);
  // Only the fleet says when it wants to be asked again.
  expect(await link.send(first)).toEqual({ status: 'retry', code: 'bad-answer', detail: expect.any(String) });
  const { link: alone } = await linkOf(await staged.openIdentity(await staged.newDir()));
  expect(await alone.send(first)).toMatchObject({ status: 'not-allowed', code: 'not-enrolled' });
});

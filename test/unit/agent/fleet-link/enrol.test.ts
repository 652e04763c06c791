import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAgain, type EnrolStep, enrol } from '../../../../agent/fleet-link/enrol.ts';
import { startFleet } from '../../../servers/fleet/start-fleet.ts';
import { DAY_MS, enrolledOf, identityText, type Stage, stage } from './staged-link.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage();
});
afterAll(() => staged.close());

const secretOf = (ticket: string) => ticket.split('.')[1] ?? '';
const enrolRequests = () => staged.fleet.seen.requests['POST /device/v1/enrol'] ?? 0;

async function newDesk() {
  const dir = await staged.newDir();
  return { dir, identity: await staged.openIdentity(dir) };
}

describe('enrolment', () => {
  it('gives the desk a certificate for its own key, and keeps no secret of the ticket', async () => {
    const { dir, identity } = await newDesk();
    const ticket = staged.fleet.makeTicket();
    const steps: EnrolStep[] = [];
    const outcome = await enrol(staged.enrolSettings(identity, { ticket: `${ticket}\n`, onStep: (step) => steps.push(step) }));
    const enrolled = enrolledOf(outcome);
    const certificate = new X509Certificate(enrolled.certificate);
    expect(steps).toEqual(['trust', 'key', 'ask']);
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3_072);
    expect(enrolled).toMatchObject({
      device: certificate.subject.slice('CN='.length),
      instance: { alias: 'acme', region: 'us-west-2' },
      trust: { server: staged.fleet.url, ca: staged.fleet.state.ca.certPem, signingKeys: [staged.fleet.state.root] },
    });
    expect(await identity.read()).toMatchObject({ enrolled, pending: null, attempt: null });
    expect(await identityText(dir)).not.toContain(secretOf(ticket));
    const modes = [dir, path.join(dir, 'identity.json')].map(async (name) => (await stat(name)).mode & 0o777);
    expect(await Promise.all(modes)).toEqual([0o700, 0o600]);
  });

  it.each(['', 'dw1.short.short', 'not a ticket'])('refuses %j as a ticket without asking anybody', async (ticket) => {
    const before = { ...staged.fleet.seen.requests };
    const { identity } = await newDesk();
    const outcome = await enrol(staged.enrolSettings(identity, { ticket }));
    expect(outcome).toMatchObject({ status: 'failed', fault: { code: 'bad-ticket' } });
    expect(staged.fleet.seen.requests).toEqual(before);
  });

  it('gives the secret to no fleet but the one that made the ticket', async () => {
    const other = await startFleet();
    try {
      const { identity } = await newDesk();
      const ticket = other.makeTicket();
      const before = enrolRequests();
      const outcome = await enrol(staged.enrolSettings(identity, { ticket }));
      expect(outcome).toMatchObject({ status: 'failed', fault: { code: 'wrong-fleet' } });
      expect(enrolRequests()).toBe(before);
      expect((await identity.read()).pending).toBeNull();
    } finally {
      await other.close();
    }
  });

  it('waits for approval with the same key, and needs the ticket no more', async () => {
    const { dir, identity } = await newDesk();
    const ticket = staged.fleet.makeTicket({ approval: 'by-hand' });
    expect(await enrol(staged.enrolSettings(identity, { ticket }))).toEqual({ status: 'pending', retryAfterMs: 60_000 });
    expect(await identity.read()).toMatchObject({ enrolled: null, pending: { told: { retryAfterSec: 60 } } });
    // A daemon that was restarted meanwhile.
    const again = await staged.openIdentity(dir);
    const { ticket: _ticket, ...settings } = staged.enrolSettings(again);
    expect(await askAgain(settings)).toMatchObject({ status: 'pending' });
    const waiting = staged.fleet.devices().filter(({ status }) => status === 'pending');
    expect(waiting).toHaveLength(1);
    staged.fleet.approve(waiting[0]?.id ?? '');
    expect(enrolledOf(await askAgain(settings)).device).toBe(waiting[0]?.id);
    expect(await identityText(dir)).not.toContain(secretOf(ticket));
  });

  it('asks again after a lost answer without using the ticket up', async () => {
    const { identity } = await newDesk();
    const ticket = staged.fleet.makeTicket({ maxUses: 1 });
    const devices = staged.fleet.devices().length;
    staged.fleet.misbehave('/device/v1/enrol', { does: 'cut' }, 1);
    expect(await enrol(staged.enrolSettings(identity, { ticket }))).toMatchObject({ status: 'failed', fault: { code: 'offline' } });
    expect(await enrol(staged.enrolSettings(identity, { ticket }))).toMatchObject({ status: 'enrolled' });
    expect(staged.fleet.devices()).toHaveLength(devices + 1);
  });

  it('stands by the old enrolment until the new one is complete', async () => {
    const dir = await staged.newDir();
    const { identity, enrolled } = await staged.enrolled(dir);
    const ticket = staged.fleet.makeTicket({ approval: 'by-hand' });
    expect(await enrol(staged.enrolSettings(identity, { ticket }))).toMatchObject({ status: 'pending' });
    expect((await identity.read()).enrolled).toEqual(enrolled);
    staged.fleet.approve(staged.fleet.devices().at(-1)?.id ?? '');
    const { ticket: _ticket, ...settings } = staged.enrolSettings(identity);
    const next = enrolledOf(await askAgain(settings));
    expect([next.device === enrolled.device, next.key === enrolled.key]).toEqual([false, false]);
    expect(await identity.read()).toMatchObject({ enrolled: next, pending: null });
  });
});

describe('a ticket that the fleet refuses', () => {
  it('is left alone for 15 minutes, then twice as long each time, over restarts too', async () => {
    const { dir, identity } = await newDesk();
    const ticket = staged.fleet.makeTicket({ maxUses: 0 });
    const tries: [number, string][] = [];
    for (let minute = 0; minute <= 120; minute += 5) {
      const before = enrolRequests();
      const again = await staged.openIdentity(dir);
      const outcome = await enrol(staged.enrolSettings(again, { ticket }));
      if (outcome.status !== 'failed') throw new Error('enrolled');
      if (enrolRequests() > before) tries.push([minute, outcome.fault.code]);
      else expect(outcome.fault.code).toBe('too-soon');
      staged.clock.advance(5 * 60_000);
    }
    expect(tries.map(([minute]) => minute)).toEqual([0, 15, 45, 105]);
    expect(new Set(tries.map(([, code]) => code))).toEqual(new Set(['ticket-refused']));
    expect(await identityText(dir)).not.toContain(secretOf(ticket));
    expect((await identity.read()).pending).toBeNull();
  });

  it('is tried at once by hand, and gives way at once to another ticket', async () => {
    const { identity } = await newDesk();
    const used = staged.fleet.makeTicket({ maxUses: 0 });
    await enrol(staged.enrolSettings(identity, { ticket: used }));
    const byHand = await enrol(staged.enrolSettings(identity, { ticket: used, byHand: true }));
    expect(byHand).toMatchObject({ fault: { code: 'ticket-refused', detail: 'used up' } });
    const fresh = await enrol(staged.enrolSettings(identity, { ticket: staged.fleet.makeTicket() }));
    expect(fresh).toMatchObject({ status: 'enrolled' });
  });
});

it.each([
  ['that has ended for two days by the desk’s clock', 9 * DAY_MS, 'clock'],
  ['that begins in a week by the desk’s clock', -7 * DAY_MS, 'clock'],
])('does not take a certificate %s', async (_name, aheadMs, code) => {
  const { identity } = await newDesk();
  const clock = { ...staged.clock, wallMs: () => staged.clock.wallMs() + aheadMs };
  const outcome = await enrol(staged.enrolSettings(identity, { ticket: staged.fleet.makeTicket(), clock }));
  expect(outcome).toMatchObject({ status: 'failed', fault: { code } });
  expect((await identity.read()).enrolled).toBeNull();
});

it('takes a certificate although the desk’s clock is half a day behind', async () => {
  const { identity } = await newDesk();
  const clock = { ...staged.clock, wallMs: () => staged.clock.wallMs() - DAY_MS / 2 };
  const outcome = await enrol(staged.enrolSettings(identity, { ticket: staged.fleet.makeTicket(), clock }));
  expect(outcome).toMatchObject({ status: 'enrolled' });
});

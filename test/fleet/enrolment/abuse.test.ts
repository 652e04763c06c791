import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSlidingWindow } from '../../../fleet/enrolment/abuse/sliding-window.ts';
import { countedAs, plainAddress } from '../../../fleet/enrolment/address.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type DeskKey, deskKeys, enrolBody } from './desk-keys.ts';
import { type Replica, type StagedFleet, stageFleet } from './staged-fleet.ts';

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['::ffff:10.1.2.3', '10.1.2.3', '10.1.2.3'],
    ['::FFFF:10.1.2.3', '10.1.2.3', '10.1.2.3'],
    ['::1', '::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80:0:0:0::/64'],
    ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
    ['2001:DB8::7:1:2:3:4', '2001:db8::7:1:2:3:4', '2001:db8:0:7::/64'],
    ['64:ff9b::1.2.3.4', '64:ff9b::1.2.3.4', '64:ff9b:0:0::/64'],
    ['', null, 'unknown'],
    ['not an address', null, 'unknown'],
  ])('%j is %j, counted as %j', (given, plain, counted) => {
    expect([plainAddress(given), countedAs(given)]).toEqual([plain, counted]);
  });
});

describe('a sliding window', () => {
  it('lets N calls pass and not the next, for as long as they lie in the window', () => {
    const window = createSlidingWindow(3, 1_000);
    const at = (ms: number) => window.exceeds('a', ms);
    expect([at(0), at(10), at(990), at(995)]).toEqual([false, false, false, true]);
    // The three of before weigh less and less.
    expect([at(1_100), at(1_400), at(1_500), at(2_900)]).toEqual([true, false, true, false]);
    expect(window.exceeds('b', 995)).toBe(false);
  });

  it('forgets the longest silent when there are too many, and so has a bound', () => {
    const window = createSlidingWindow(1, 1_000, 3);
    for (const subject of ['a', 'b', 'c', 'a', 'd']) window.exceeds(subject, 0);
    expect(window.size()).toBe(3);
    expect([window.exceeds('a', 1), window.exceeds('b', 1)]).toEqual([true, false]);
  });
});

describeWithDatabase('who calls too much', () => {
  let staged: StagedFleet;
  let fleet: Replica;
  let other: Replica;
  let desk: DeskKey;
  const limits = {
    'ticket-guess': { kind: 'address', most: 3, windowMs: 60_000, denyMs: 300_000 },
    anonymous: { kind: 'address', most: 20, windowMs: 60_000, denyMs: 1_000 },
    device: { kind: 'device', most: 5, windowMs: 60_000, denyMs: 120_000 },
  } as const;
  beforeAll(async () => {
    staged = await stageFleet();
    const made = await Promise.all([deskKeys(1), staged.replica({ limits }), staged.replica({ limits })]);
    [[desk], fleet, other] = made as [[DeskKey], Replica, Replica];
  });
  afterAll(() => staged?.close());

  const guess = (from: string, at = fleet) =>
    at.call('POST', '/device/v1/enrol', { from, body: enrolBody(randomBytes(32).toString('base64url'), desk) });
  const trust = (from: string, at = fleet) => at.call('GET', '/device/v1/trust', { from });
  const documents = (certificate: string, from = '127.0.0.1') =>
    fleet.call('GET', '/device/v1/documents/policy', { from, credentials: { certificate, key: desk.key } });
  async function enrolled() {
    await staged.db.within({ tenant: staged.tenant }, (tx) => tx.deleteFrom('device').execute());
    const { secret } = await fleet.ticket();
    return (await fleet.call('POST', '/device/v1/enrol', { body: enrolBody(secret, desk) })).body as {
      device: string;
      certificate: string;
    };
  }

  it('is kept out for guessing tickets at every server, until the time is over; good desks behind the same address are not', async () => {
    const { certificate } = await enrolled();
    const from = '127.0.1.1';
    // It has read the list before anybody is on it.
    expect(await trust('127.0.1.3', other)).toMatchObject({ status: 200 });
    for (let round = 0; round < 3; round += 1) expect(await guess(from)).toMatchObject({ status: 403 });
    const fourth = await guess(from);
    expect(fourth).toMatchObject({
      status: 429,
      headers: { 'retry-after': '300', connection: 'close' },
      body: { error: { code: 'slow-down' } },
    });
    await fleet.enrolment.guard.settled();
    expect(fleet.denied).toMatchObject([{ kind: 'address', subject: from, because: 'ticket-guess' }]);
    staged.clock.advance(10_000);
    expect(await trust(from)).toMatchObject({ status: 429, headers: { 'retry-after': '290' } });
    expect(await trust(from, other)).toMatchObject({ status: 429 });
    expect(await trust('127.0.1.2')).toMatchObject({ status: 200 });
    expect(await documents(certificate, from)).toMatchObject({ status: 200 });
    expect(
      (await staged.records('00000000-0000-0000-0000-000000000000')).findLast(({ action }) => action === 'abuse.denied'),
    ).toMatchObject({
      actor: { kind: 'system' },
      code: 'ticket-guess',
      targets: [{ type: 'address', id: 'withheld' }],
    });
    staged.clock.advance(290_000);
    expect(await trust(from)).toMatchObject({ status: 200 });
    expect(await guess(from)).toMatchObject({ status: 403 });
    staged.clock.advance(10_000);
    expect(await trust(from, other)).toMatchObject({ status: 200 });
  });

  it('is kept out for calls without a certificate, or with one that is worth nothing', async () => {
    const from = '127.0.2.1';
    for (let round = 0; round < 10; round += 1) {
      expect(await trust(from)).toMatchObject({ status: 200 });
      expect(await fleet.call('GET', '/device/v1/documents/policy', { from })).toMatchObject({ status: 401 });
    }
    expect(await trust(from)).toMatchObject({ status: 429 });
    expect(await fleet.call('GET', '/device/v1/documents/policy', { from })).toMatchObject({ status: 429 });
    // Its calls of before count no more: else it would be kept out again at once.
    staged.clock.advance(1_000);
    expect(await trust(from)).toMatchObject({ status: 200 });
  });

  it('is counted by its certificate where it has one, wherever it calls from', async () => {
    const { certificate, device } = await enrolled();
    for (let round = 0; round < 5; round += 1) expect(await documents(certificate, `127.0.3.${round + 1}`)).toMatchObject({ status: 200 });
    expect(await documents(certificate)).toMatchObject({ status: 429, headers: { 'retry-after': '120' } });
    await fleet.enrolment.guard.settled();
    const listed = (await fleet.console('GET', '/api/v1/denials')).body.items;
    expect(listed.filter(({ kind }: { kind: string }) => kind === 'device')).toMatchObject([
      { subject: device, because: 'device', everywhere: false },
    ]);
    expect(await fleet.console('DELETE', `/api/v1/denials?kind=device&subject=${device}`)).toMatchObject({
      status: 200,
      body: { removed: true },
    });
    expect(await documents(certificate)).toMatchObject({ status: 200 });
    expect(await fleet.console('DELETE', `/api/v1/denials?kind=device&subject=${device}`)).toMatchObject({ body: { removed: false } });
  });

  it('is listed to a tenant with addresses only where the tenant has the deployment for itself', async () => {
    for (let round = 0; round < 4; round += 1) await guess('127.0.4.1');
    await fleet.enrolment.guard.settled();
    const addresses = async () => {
      const { body } = await fleet.console('GET', '/api/v1/denials?limit=1');
      return body.items.map(({ kind, subject }: { kind: string; subject: string }) => `${kind} ${subject}`);
    };
    expect(await addresses()).toEqual(['address 127.0.4.1']);
    await addTenant(staged.db);
    expect(await addresses()).not.toContain('address 127.0.4.1');
    expect(await fleet.console('DELETE', '/api/v1/denials?kind=address&subject=127.0.4.1')).toMatchObject({ body: { removed: false } });
    expect(await trust('127.0.4.1')).toMatchObject({ status: 429 });
    expect(fleet.faults).toEqual([]);
  });
});

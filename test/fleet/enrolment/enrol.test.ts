import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EnrolAnswer } from '../../../contracts/fleet-api.ts';
import { readDeviceUri } from '../../../fleet/enrolment/device-uri.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type DeskKey, deskKeys, enrolBody } from './desk-keys.ts';
import { actorWith, DAY_MS, type Replica, type StagedFleet, stageFleet } from './staged-fleet.ts';

describeWithDatabase('enrolment by a ticket', () => {
  let staged: StagedFleet;
  let fleet: Replica;
  let other: Replica;
  let keys: DeskKey[];
  const keyAt = (at: number): DeskKey => {
    const found = keys[at];
    if (!found) throw new Error(`no key ${at}`);
    return found;
  };
  beforeAll(async () => {
    staged = await stageFleet();
    [keys, fleet, other] = await Promise.all([deskKeys(5), staged.replica(), staged.replica()]);
  });
  afterAll(() => staged?.close());

  const enrol = (body: unknown, from?: string, at = fleet) =>
    at.call('POST', '/device/v1/enrol', { body, ...(from !== undefined && { from }) });
  const usedOf = async (id: string) => {
    const { body } = await fleet.console('GET', '/api/v1/tickets?limit=200');
    return body.items.find((one: { id: string }) => one.id === id).used as number;
  };
  async function clearDesks() {
    await staged.db.within({ tenant: staged.tenant }, (tx) => tx.deleteFrom('device').execute());
  }

  it('two servers that start at once have one CA', () => {
    expect(other.enrolment.authority.certificate).toBe(fleet.enrolment.authority.certificate);
    const ca = new X509Certificate(fleet.enrolment.authority.certificate);
    expect(ca.ca).toBe(true);
    expect(ca.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3_072);
  });

  it('gives a certificate for the desk’s own key, a week long, that names its tenant and instance', async () => {
    await clearDesks();
    const ticket = await fleet.ticket({ tags: { site: 'a' } });
    const answered = await enrol(enrolBody(ticket.secret, keyAt(0)));
    expect(answered.status).toBe(200);
    const answer = EnrolAnswer.parse(answered.body);
    if (answer.status !== 'enrolled') throw new Error('pending');
    const certificate = new X509Certificate(answer.certificate);
    expect(certificate.checkPrivateKey(createPrivateKey(keyAt(0).key))).toBe(true);
    expect(certificate.subject).toBe(`CN=${answer.device}`);
    expect(readDeviceUri(certificate.subjectAltName)).toEqual({ tenant: staged.tenant, instance: staged.instance });
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(Date.parse(certificate.validFrom)).toBe(staged.clock.wallMs() - 5 * 60_000);
    expect(Date.parse(certificate.validTo)).toBe(staged.clock.wallMs() + 7 * DAY_MS);
    expect(answer.instance).toEqual({ alias: 'acme', region: 'us-west-2' });
    expect(Buffer.from(answer.releaseSecret ?? '', 'base64url')).toHaveLength(20);
    const row = await staged.db.within({ tenant: staged.tenant }, (tx) =>
      tx
        .selectFrom('device')
        .innerJoin('device_certificate', 'device_certificate.device_id', 'device.id')
        .selectAll()
        .executeTakeFirstOrThrow(),
    );
    expect(row).toMatchObject({ id: answer.device, serial: certificate.serialNumber, tags: { site: 'a' }, status: 'enrolled' });
    expect(row.host_name_sealed.toString('latin1')).not.toContain('desk-1');
    const { body } = await fleet.console('GET', '/api/v1/enrolments?status=enrolled');
    expect(body.items[0]).toMatchObject({ device: answer.device, hostName: 'desk-1.example.com', ticket: ticket.ticket.id });
    const record = (await staged.records()).findLast(({ action }) => action === 'POST /device/v1/enrol');
    expect(record).toMatchObject({ status: 200, targets: [{ type: 'ticket' }, { type: 'device', id: answer.device }] });
  });

  it('gives the same desk again for the same key, which costs no use, also at another server', async () => {
    await clearDesks();
    const ticket = await fleet.ticket({ maxUses: 1 });
    const first = await enrol(enrolBody(ticket.secret, keyAt(0)));
    const again = await enrol(enrolBody(ticket.secret, keyAt(0)), undefined, other);
    expect(again.body).toEqual({ ...first.body, certificate: expect.any(String) });
    expect(await usedOf(ticket.ticket.id)).toBe(1);
    expect(await enrol(enrolBody(ticket.secret, keyAt(1)))).toMatchObject({ status: 403, body: { error: { code: 'ticket-refused' } } });
  });

  it('never lets in more desks than a ticket has uses, however many come at once', async () => {
    await clearDesks();
    const ticket = await fleet.ticket({ maxUses: 3 });
    const answers = await Promise.all(
      keys.flatMap((key, at) => [fleet, other].map((one) => enrol(enrolBody(ticket.secret, key, `desk-${at}`), undefined, one))),
    );
    const devices = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.device));
    expect(devices.size).toBe(3);
    expect(answers.filter(({ status }) => status !== 200).every(({ body }) => body.error.code === 'ticket-refused')).toBe(true);
    expect(await usedOf(ticket.ticket.id)).toBe(3);
    const { body } = await fleet.console('GET', '/api/v1/enrolments?status=enrolled');
    expect(body.items).toHaveLength(3);
    expect(fleet.faults).toEqual([]);
  });

  it('knows no ticket that expired, was revoked, or never was', async () => {
    await clearDesks();
    const expiring = await fleet.ticket({ expiresInSec: 60 });
    const revoked = await fleet.ticket();
    expect(await fleet.console('POST', `/api/v1/tickets/${revoked.ticket.id}/revoke`)).toMatchObject({
      status: 200,
      body: { ticket: { state: 'revoked' }, declined: 0 },
    });
    staged.clock.advance(60_000);
    const asked = [expiring.secret, revoked.secret, Buffer.alloc(32, 1).toString('base64url')].map((secret) =>
      enrol(enrolBody(secret, keyAt(0))),
    );
    for (const { status, body } of await Promise.all(asked)) {
      expect({ status, code: body.error.code }).toEqual({ status: 403, code: 'ticket-refused' });
    }
  });

  it('keeps a ticket to its networks', async () => {
    await clearDesks();
    const ticket = await fleet.ticket({ cidrs: ['127.0.0.9/29', '2001:db8::/32'] });
    expect(ticket.ticket.cidrs).toEqual(['127.0.0.8/29', '2001:db8::/32']);
    expect(await enrol(enrolBody(ticket.secret, keyAt(0)), '127.0.0.16')).toMatchObject({
      status: 403,
      body: { error: { code: 'ticket-refused' } },
    });
    expect(await enrol(enrolBody(ticket.secret, keyAt(0)), '127.0.0.15')).toMatchObject({ status: 200 });
  });

  it('lets a desk wait for approval, and answers it in the end although its ticket has expired', async () => {
    await clearDesks();
    const ticket = await fleet.ticket({ approval: 'manual', expiresInSec: 60 });
    const body = enrolBody(ticket.secret, keyAt(0), 'DESK-9.example.com.');
    expect(await enrol(body)).toMatchObject({ status: 200, body: { schema: 1, status: 'pending', retryAfterSec: 30 } });
    expect(await enrol(enrolBody((await fleet.ticket()).secret, keyAt(1), 'desk-9.example.com'))).toMatchObject({ status: 200 });
    staged.clock.advance(3_000_000);
    expect(await enrol(body)).toMatchObject({ body: { status: 'pending', retryAfterSec: 300 } });
    const waiting = (await fleet.console('GET', '/api/v1/enrolments')).body.items;
    expect(waiting).toMatchObject([
      { hostName: 'DESK-9.example.com.', duplicates: { sameHostName: [expect.any(String)], keyReusedAt: null } },
    ]);
    const device = waiting[0].device as string;
    expect(await fleet.console('POST', `/api/v1/enrolments/${device}/approve`)).toMatchObject({
      status: 200,
      body: { status: 'enrolled' },
    });
    expect(await fleet.console('POST', `/api/v1/enrolments/${device}/approve`)).toMatchObject({ status: 409 });
    expect(await enrol(body)).toMatchObject({ status: 200, body: { status: 'enrolled', device } });
    staged.clock.advance(8 * DAY_MS);
    expect(await enrol(body)).toMatchObject({ status: 403, body: { error: { code: 'ticket-refused' } } });
  });

  it('refuses a desk that was declined, by itself or together with its ticket', async () => {
    await clearDesks();
    const ticket = await fleet.ticket({ approval: 'manual', maxUses: 2 });
    const [first, second] = await Promise.all([0, 1].map((at) => enrol(enrolBody(ticket.secret, keyAt(at), `desk-${at}`))));
    expect([first?.status, second?.status]).toEqual([200, 200]);
    const waiting = (await fleet.console('GET', '/api/v1/enrolments')).body.items as { device: string; hostName: string }[];
    const declined = waiting.find(({ hostName }) => hostName === 'desk-0')?.device;
    expect(await fleet.console('POST', `/api/v1/enrolments/${declined}/decline`)).toMatchObject({ body: { status: 'declined' } });
    expect(await enrol(enrolBody(ticket.secret, keyAt(0)))).toMatchObject({ status: 403, body: { error: { code: 'ticket-refused' } } });
    expect(await enrol(enrolBody(ticket.secret, keyAt(1)))).toMatchObject({ status: 200, body: { status: 'pending' } });
    expect(await fleet.console('POST', `/api/v1/tickets/${ticket.ticket.id}/revoke`)).toMatchObject({ body: { declined: 1 } });
    expect(await enrol(enrolBody(ticket.secret, keyAt(1)))).toMatchObject({ status: 403 });
  });

  it('marks a key that comes by another ticket, or from a computer of another name', async () => {
    await clearDesks();
    const flagOf = async () => (await fleet.console('GET', '/api/v1/enrolments?status=enrolled')).body.items[0].duplicates.keyReusedAt;
    const [first, second] = [await fleet.ticket(), await fleet.ticket()];
    const { body: made } = await enrol(enrolBody(first.secret, keyAt(0)));
    expect(await flagOf()).toBeNull();
    expect((await enrol(enrolBody(first.secret, keyAt(0), 'DESK-1.example.com'))).body.device).toBe(made.device);
    expect(await flagOf()).toBeNull();
    expect((await enrol(enrolBody(second.secret, keyAt(0)))).body.device).toBe(made.device);
    expect(await flagOf()).toBe(staged.now().toISOString());
    expect(await usedOf(second.ticket.id)).toBe(0);
    staged.clock.advance(1_000);
    await enrol(enrolBody(first.secret, keyAt(0), 'clone.example.com'));
    expect(await flagOf()).toBe(staged.now().toISOString());
  });

  it('keeps tenants apart: the same key is another desk there, and none of theirs is seen here', async () => {
    await clearDesks();
    const theirs = await addTenant(staged.db, { alias: 'acme-eu' });
    const { body } = await fleet.console('POST', '/api/v1/tickets', {
      tenant: theirs.tenant,
      body: { instance: theirs.instance, approval: 'automatic' },
    });
    const [, secret = ''] = body.text.split('.');
    const there = await enrol(enrolBody(secret, keyAt(0)));
    const here = await enrol(enrolBody((await fleet.ticket()).secret, keyAt(0)));
    expect(there.body.device).not.toBe(here.body.device);
    expect(there.body.instance.alias).toBe('acme-eu');
    const revoke = `/api/v1/desks/${there.body.device}/revoke`;
    expect(await fleet.console('POST', revoke)).toEqual(
      expect.objectContaining({ status: 404, body: (await fleet.console('POST', `/api/v1/desks/${randomUUID()}/revoke`)).body }),
    );
    expect(await fleet.console('POST', '/api/v1/tickets', { body: { instance: theirs.instance } })).toMatchObject({ status: 400 });
    expect(await fleet.console('POST', `/api/v1/tickets/${body.ticket.id}/revoke`)).toMatchObject({ status: 404 });
  });

  it('makes no ticket that lives for more than a day, and none that its maker could not approve by hand', async () => {
    const tooLong = { body: { instance: staged.instance, expiresInSec: 86_401 } };
    expect(await fleet.console('POST', '/api/v1/tickets', tooLong)).toMatchObject({
      status: 400,
      body: { error: { path: 'body.expiresInSec' } },
    });
    const maker = actorWith(staged.tenant, [{ permissions: ['Tickets.Create', 'Tickets.View', 'Devices.View'] }]);
    const automatic = { actor: maker, body: { instance: staged.instance, approval: 'automatic' } };
    expect(await fleet.console('POST', '/api/v1/tickets', automatic)).toMatchObject({ status: 403 });
    const unsaid = await fleet.console('POST', '/api/v1/tickets', { actor: maker, body: { instance: staged.instance } });
    expect(unsaid).toMatchObject({ status: 201, body: { ticket: { approval: 'manual', maxUses: 1, state: 'open' } } });
    expect(Date.parse(unsaid.body.ticket.expiresAt) - staged.clock.wallMs()).toBe(DAY_MS);
    const stored = await staged.db.within({ tenant: staged.tenant }, (tx) => tx.selectFrom('ticket').selectAll().execute());
    expect(JSON.stringify(stored)).not.toContain(unsaid.body.text.split('.')[1]);
  });

  it('shows tickets page by page, and only those for desks within reach', async () => {
    const site = actorWith(staged.tenant, [
      {
        accessControl: {
          hierarchy: { mode: 'none' },
          hierarchyRestrictedResources: [],
          tags: { site: 'b' },
          tagRestrictedResources: ['Device'],
        },
      },
    ]);
    await Promise.all([1, 2, 3].map(() => fleet.ticket({ tags: { site: 'b' } })));
    await fleet.ticket({ tags: { site: 'c' } });
    const seen: string[] = [];
    let after = '';
    do {
      const { status, body } = await fleet.console('GET', `/api/v1/tickets?limit=2${after}`, { actor: site });
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map((one: { tags: { site: string } }) => one.tags.site));
      after = body.next === null ? '' : `&after=${body.next}`;
    } while (after !== '');
    expect(seen).toEqual(['b', 'b', 'b']);
    expect(
      await fleet.console('POST', '/api/v1/tickets', { actor: site, body: { instance: staged.instance, tags: { site: 'c' } } }),
    ).toMatchObject({
      status: 404,
    });
    const forged = [[1, "' or true --"], [1e300, randomUUID()], [-1, randomUUID()], ['x'], { at: 1 }].map((mark) =>
      Buffer.from(JSON.stringify(mark)).toString('base64url'),
    );
    for (const mark of forged) {
      for (const list of ['tickets', 'enrolments', 'denials']) {
        expect(await fleet.console('GET', `/api/v1/${list}?after=${mark}`)).toMatchObject({ status: 400 });
      }
    }
    expect(await fleet.console('DELETE', '/api/v1/denials?kind=account&subject=a%00b')).toMatchObject({ status: 400 });
    expect(fleet.faults).toEqual([]);
    expect(await fleet.console('GET', '/api/v1/tickets?after=nonsense')).toMatchObject({
      status: 400,
      body: { error: { path: 'query.after' } },
    });
  });
});

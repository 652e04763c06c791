import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compactDecrypt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OrderBook, openOrderBook } from '../../../agent/daemon/order-book.ts';
import { type EnrolSettings, enrol } from '../../../agent/fleet-link/enrol.ts';
import { createFleetLink, type FleetLink } from '../../../agent/fleet-link/fleet-link.ts';
import { openIdentity } from '../../../agent/fleet-link/identity.ts';
import { LINK_DEADLINES } from '../../../agent/fleet-link/limits.ts';
import { sealFields } from '../../../agent/report/seal-fields.ts';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import { DeskAnswer } from '../../../contracts/console/desks.ts';
import { SealedFields } from '../../../contracts/report.ts';
import { SealingKey } from '../../../contracts/sealing.ts';
import { fakeClock } from '../../fakes/fake-clock.ts';
import { sampleReport } from '../../unit/agent/fleet-link/sample-report.ts';
import { sampleSituation } from '../../unit/agent/fleet-link/sample-situation.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const agent = { version: '0.1.0', platform: 'linux' as const };

function newKey(kid: string): { key: SealingKey; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { key: SealingKey.parse({ kid, ...publicKey.export({ format: 'jwk' }) }), privateKey };
}

/** The agent's own enrolment, link, order book and sealing; only its timer is the test's. */
interface Desk {
  device: string;
  book: OrderBook;
  /** A heartbeat, and whatever documents it tells of. */
  beat(): Promise<void>;
  /** A report with this in a restricted field, sealed to the key that the desk holds. */
  send(marker: string): ReturnType<FleetLink['send']>;
  close(): Promise<void>;
}

describeWithDatabase('desks and the tenant’s sealing keys, over the wire', () => {
  const clock = fakeClock(new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString());
  let server: RunningServer;
  let admin: Person;
  let root: string;
  const opened: Desk[] = [];
  beforeAll(async () => {
    server = await runServer({ now: () => new Date(clock.wallMs()) });
    admin = await signInAsAdmin(server);
    root = await mkdtemp(path.join(tmpdir(), 'deskwarden-sealing-'));
  });
  afterAll(async () => {
    for (const desk of opened) await desk.close();
    await server?.close();
    if (root) await rm(root, { recursive: true, force: true });
  });

  async function aDesk(): Promise<Desk> {
    const stateDir = await mkdtemp(path.join(root, 'desk-'));
    const identity = await openIdentity({ stateDir, image: null, goldenImage: false });
    const body = { instance: server.instance, approval: 'automatic' };
    const { text } = (await admin.ask({ method: 'POST', path: '/api/v1/tickets', body })).body as { text: string };
    const line = { identity, hostName: 'desk-1.example.com', agent, proxyFor: () => null, clock, deadlines: LINK_DEADLINES };
    const settings: EnrolSettings = {
      ...line,
      server: `https://127.0.0.1:${server.server.devicePort}`,
      ticket: text,
      byHand: false,
      signal,
    };
    const outcome = await enrol(settings);
    if (outcome.status !== 'enrolled') throw new Error(JSON.stringify(outcome));
    const { device, instance, trust } = outcome.enrolled;
    const book = await openOrderBook({
      ...{ stateDir, checks: catalog, bundled: bundledAllowlist, localPolicy: null, vantageOf: () => 'endpoint' as const },
      trust: { instance, signingKeys: trust.signingKeys },
      onSetAside: (report) => {
        throw new Error(`set aside: ${JSON.stringify(report)}`);
      },
    });
    const hooks = {
      situation: () => sampleSituation('clear'),
      standing: () => 'clear' as const,
      held: () => book.held(),
      accept: book.accept,
      onHeard() {},
      onWantFull() {},
      onEnrolment() {},
      log() {},
    };
    const link = await createFleetLink({ ...line, enrolment: undefined, random: () => 0.5, hooks });
    const epoch = crypto.randomUUID();
    let seq = 0;
    const desk: Desk = {
      device,
      book,
      async beat() {
        link.hurry();
        await link.step();
        expect(link.state().trouble).toBeNull();
      },
      async send(marker) {
        const sealed = await sealFields(SealedFields.parse({ 'device.users': { name: marker } }), book.current().sealingKey);
        return link.send({ ...sampleReport(device, seq++), epoch, sealed });
      },
      close: () => link.stop(),
    };
    opened.push(desk);
    return desk;
  }
  const { signal } = new AbortController();

  const keys = (rest: string, body: unknown = {}) =>
    admin.ask({ method: 'POST', path: `/api/v1/instances/${server.instance}/sealing-keys${rest}`, body });
  const read = async (who: Person, { device }: Desk) => DeskAnswer.parse((await who.ask({ path: `/api/v1/desks/${device}` })).body);
  async function opens({ device }: Desk, who: Person, privateKey: KeyObject): Promise<unknown> {
    const { status, body } = await who.ask({ path: `/api/v1/desks/${device}/sealed` });
    if (status !== 200) return status;
    const { plaintext } = await compactDecrypt((body as { jwe: string }).jwe, privateKey);
    return JSON.parse(new TextDecoder().decode(plaintext));
  }
  const refusals = async () => /deskwarden_sealed_fields_refused_total (\d+)/.exec((await server.console({ path: '/metrics' })).text)?.[1];

  it('K15: two active keys a and b; a retired: what is sealed with a is taken for 24 h, after it refused, and the rest is stored', async () => {
    const [a, b] = [newKey('a'), newKey('b')];
    const [late, prompt] = [await aDesk(), await aDesk()];
    // Without a key nothing restricted leaves.
    await late.beat();
    expect(late.book.current().sealingKey).toBeNull();
    expect(await late.send('unsealed')).toEqual({ status: 'accepted', sealedFault: null });
    expect(await opens(late, admin, a.privateKey)).toBe(404);

    expect((await keys('', a.key)).status).toBe(201);
    for (const desk of [late, prompt]) await desk.beat();
    expect((await keys('', b.key)).status).toBe(201);
    await prompt.beat();
    expect([late, prompt].map(({ book }) => book.current().sealingKey?.kid)).toEqual(['a', 'b']);
    for (const desk of [late, prompt]) expect(await desk.send('both')).toEqual({ status: 'accepted', sealedFault: null });
    expect(await opens(late, admin, a.privateKey)).toEqual({ 'device.users': { name: 'both' } });
    expect(await opens(prompt, admin, b.privateKey)).toEqual({ 'device.users': { name: 'both' } });

    expect((await keys('/a/retire')).status).toBe(200);
    clock.advance(24 * HOUR_MS);
    expect(await late.send('overlap')).toEqual({ status: 'accepted', sealedFault: null });
    admin = await signInAsAdmin(server, 'next-day');
    expect(await opens(late, admin, a.privateKey)).toEqual({ 'device.users': { name: 'overlap' } });
    expect((await read(admin, late)).sealedRefused).toBeNull();
    expect(await refusals()).toBe('0');

    const sealedAt = (await read(admin, late)).sealedAt;
    clock.advance(1_000);
    const refusedAt = new Date(clock.wallMs()).toISOString();
    expect(await late.send('too late')).toEqual({ status: 'accepted', sealedFault: 'cse-key-invalid' });
    const seen = await read(admin, late);
    expect(seen).toMatchObject({ sealedAt, sealedRefused: { code: 'cse-key-invalid', at: refusedAt } });
    expect(seen.desk.reportedAt).toBe(refusedAt);
    expect(await opens(late, admin, a.privateKey)).toEqual({ 'device.users': { name: 'overlap' } });
    expect(await refusals()).toBe('1');
    expect(await prompt.send('of now')).toEqual({ status: 'accepted', sealedFault: null });

    // The next heartbeat tells of the key of now, without anything enrolled anew.
    await late.beat();
    expect(await late.send('again')).toEqual({ status: 'accepted', sealedFault: null });
    expect(await opens(late, admin, b.privateKey)).toEqual({ 'device.users': { name: 'again' } });
    expect((await read(admin, late)).sealedRefused).toBeNull();

    expect((await keys('/b/retire')).status).toBe(200);
    await late.beat();
    expect([late.book.current().sealingKey, late.book.held().sealing]).toEqual([null, 3]);
    expect(await late.send('unsealed again')).toEqual({ status: 'accepted', sealedFault: null });
    expect(await opens(late, admin, b.privateKey)).toEqual({ 'device.users': { name: 'again' } });
    // Of a desk whose fields were never taken there is nothing to open.
    await server.store.db.within({ tenant: server.tenant }, (tx) =>
      tx.updateTable('sealed_fields').set({ jwe: null, received_at: null }).where('device_id', '=', prompt.device).execute(),
    );
    expect(await opens(prompt, admin, b.privateKey)).toBe(404);
  }, 60_000);
});

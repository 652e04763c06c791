import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFleetClient } from '../../../agent/fleet-link/client.ts';
import { askAgain, type EnrolSettings, enrol } from '../../../agent/fleet-link/enrol.ts';
import { type IdentityFile, openIdentity } from '../../../agent/fleet-link/identity.ts';
import { LINK_DEADLINES } from '../../../agent/fleet-link/limits.ts';
import { renew } from '../../../agent/fleet-link/renew.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { DAY_MS, type Replica, type StagedFleet, stageFleet } from './staged-fleet.ts';

describeWithDatabase('the agent’s own code against this fleet', () => {
  let staged: StagedFleet;
  let fleet: Replica;
  let root: string;
  beforeAll(async () => {
    staged = await stageFleet();
    fleet = await staged.replica();
    root = await mkdtemp(path.join(tmpdir(), 'deskwarden-agent-'));
  });
  afterAll(async () => {
    await staged?.close();
    if (root) await rm(root, { recursive: true, force: true });
  });

  const settingsFor = (identity: IdentityFile, ticket: string): EnrolSettings => ({
    server: fleet.url,
    ticket,
    identity,
    hostName: 'desk-1.example.com',
    agent: { version: '0.1.0', platform: 'linux' },
    proxyFor: () => null,
    clock: staged.clock,
    deadlines: LINK_DEADLINES,
    signal: new AbortController().signal,
    byHand: false,
  });

  it('enrols, waits for approval, is answered, renews, renews after its end, and hears that it was revoked', async () => {
    const identity = await openIdentity({ stateDir: await mkdtemp(path.join(root, 'desk-')), image: null, goldenImage: false });
    const { text } = await fleet.ticket({ approval: 'manual' });
    const settings = settingsFor(identity, text);
    expect(await enrol(settings)).toEqual({ status: 'pending', retryAfterMs: 30_000 });
    const [waiting] = (await fleet.console('GET', '/api/v1/enrolments')).body.items;
    await fleet.console('POST', `/api/v1/enrolments/${waiting.device}/approve`);
    const outcome = await askAgain(settings);
    if (outcome.status !== 'enrolled') throw new Error(JSON.stringify(outcome));
    let { enrolled } = outcome;
    expect(enrolled).toMatchObject({ device: waiting.device, instance: { alias: 'acme', region: 'us-west-2' } });
    for (const restMs of [5 * DAY_MS, 80 * DAY_MS]) {
      staged.clock.advance(restMs);
      const client = createFleetClient({
        ...settings,
        ca: enrolled.trust.ca,
        credentials: { certificate: enrolled.certificate, key: enrolled.key },
      });
      const renewed = await renew(client, identity, enrolled, staged.clock.wallMs());
      await client.close();
      if (!renewed.ok) throw new Error(JSON.stringify(renewed.fault));
      expect(renewed.value.certificate).not.toBe(enrolled.certificate);
      enrolled = renewed.value;
    }
    await fleet.console('POST', `/api/v1/desks/${enrolled.device}/revoke`);
    const client = createFleetClient({
      ...settings,
      ca: enrolled.trust.ca,
      credentials: { certificate: enrolled.certificate, key: enrolled.key },
    });
    expect(await client.documents('policy', 0)).toMatchObject({ ok: false, fault: { code: 'revoked' } });
    await client.close();
  });

  it('keeps a ticket from another fleet, and hears why its own was refused', async () => {
    const identity = await openIdentity({ stateDir: await mkdtemp(path.join(root, 'desk-')), image: null, goldenImage: false });
    const { text } = await fleet.ticket();
    const [, secret] = text.split('.');
    const foreign = `dw1.${secret}.${randomBytes(32).toString('base64url')}`;
    expect(await enrol(settingsFor(identity, foreign))).toMatchObject({ status: 'failed', fault: { code: 'wrong-fleet' } });
    const unknown = text.replace(secret ?? '', randomBytes(32).toString('base64url'));
    expect(await enrol(settingsFor(identity, unknown))).toMatchObject({ status: 'failed', fault: { code: 'ticket-refused' } });
  });
});

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type FleetSideSettings, openFleetSide } from '../../../../agent/daemon/fleet-side.ts';
import type { LinkEvent } from '../../../../agent/fleet-link/fleet-link.ts';
import { openReleaseStore } from '../../../../agent/gate/release-store.ts';
import { openAwakeClock } from '../../../../agent/store/awake-clock.ts';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import { DaemonConfig } from '../../../../contracts/config.ts';
import { Report } from '../../../../contracts/report.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';
import { sampleSituation } from '../fleet-link/sample-situation.ts';
import { type Stage, stage } from '../fleet-link/staged-link.ts';
import { aFinding, aView, classyCheck } from '../report/sample-report.ts';

const WAIT = { timeout: 15_000, interval: 50 };
let staged: Stage;
beforeAll(async () => {
  staged = await stage();
});
afterAll(() => staged.close());

async function openSide(events: LinkEvent[]) {
  const { clock } = staged;
  const stateDir = await staged.newDir();
  await staged.enrolled(stateDir);
  const {
    device: _,
    releases: __,
    ...view
  } = aView({
    findings: [aFinding({ evidence: { count: 1, hosts: [], users: [{ name: 'MARKER', admin: false }] } })],
  });
  const settings: FleetSideSettings = {
    version: '0.1.0',
    platform: 'linux',
    hostName: 'desk-1',
    config: DaemonConfig.parse({ schema: 1, stateDir }),
    checks: [classyCheck],
    bundled: bundledAllowlist,
    localPolicy: fakePolicy([fakeRule('device.classy')], { reporting: { fields: ['device.classy/users[].name'] } }),
    vantageOf: () => 'endpoint',
    proxyFor: () => null,
    epoch: '11111111-2222-4333-8444-555555555555',
    clock,
    random: () => 0.5,
    releases: await openReleaseStore({
      stateDir,
      clock: openAwakeClock({ saved: null, bootId: 'boot', monotonicMs: clock.monotonicMs }),
      wallMs: clock.wallMs,
      onTrouble() {},
    }),
    view: () => view,
    situation: () => sampleSituation('clear'),
    standing: () => 'clear',
    onOrders() {},
    onEnrolment() {},
    onSetAside() {},
    log: (event) => void events.push(event),
  };
  return openFleetSide(settings);
}

function newKey(kid: string): { key: object; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { key: { kid, ...publicKey.export({ format: 'jwk' }) }, privateKey };
}

it('restricted fields stay here without a key; a new key has everything sealed to it, without enrolling anew; a refusal is told once', async () => {
  const { fleet } = staged;
  const [a, b] = [newKey('a'), newKey('b')];
  const events: LinkEvent[] = [];
  const side = await openSide(events);
  const reports = () => fleet.state.reports.map(({ report }) => Report.parse(report));
  const isReported = (count: number) => vi.waitFor(() => expect(reports()).toHaveLength(count), WAIT);
  const publish = (revision: number, key: object) => {
    fleet.publish('sealing', { schema: 1, revision, key }, revision);
    side.hurry();
  };
  async function read(report: Report | undefined, privateKey: KeyObject): Promise<unknown> {
    const { plaintext, protectedHeader } = await compactDecrypt(report?.sealed ?? '', privateKey);
    return [report?.scope, protectedHeader.kid, JSON.parse(new TextDecoder().decode(plaintext))];
  }
  const told = () => events.filter(({ event, detail }) => event === 'fault' && detail.startsWith('cse-key-invalid')).length;
  try {
    side.start();
    await isReported(1);
    expect(JSON.stringify(reports())).not.toContain('MARKER');
    expect(reports()[0]?.sealed).toBeNull();

    publish(1, a.key);
    await isReported(2);
    const fields = { 'device.classy': { 'users.0.name': 'MARKER' } };
    expect(await read(reports()[1], a.privateKey)).toEqual(['full', 'a', fields]);

    fleet.refuseSealedTo('a');
    for (const count of [3, 4]) {
      fleet.wantFull(reports()[0]?.device ?? '');
      side.hurry();
      await isReported(count);
    }
    publish(2, b.key);
    await isReported(5);
    expect(await read(reports()[4], b.privateKey)).toEqual(['full', 'b', fields]);
    expect(told()).toBe(1);
  } finally {
    await side.stop();
  }
}, 90_000);

import { expect, it } from 'vitest';
import { type Known, snapshotOf } from '../../../../agent/daemon/desk-views.ts';
import { Snapshot } from '../../../../contracts/local-api.ts';
import { GateSettings } from '../../../../contracts/policy.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';
import { snapshot, verdict } from '../local-api/staged-api.ts';

const waiver = (digit: string) => ({
  schema: 1 as const,
  id: `${digit}0000000-0000-4000-8000-000000000000`,
  rule: fakeRule('tls.handshake').id,
  reason: 'the new proxy comes on Monday',
  grantedBy: 'it@example.com',
  until: '2026-11-23T08:00:00.000Z',
});
const [inForce, idle] = [waiver('1'), waiver('2')];

/** A desk that has judged, under a policy of its own. */
function known(): Known {
  const policy = fakePolicy([fakeRule('network.media-quality', { params: { mos: { warn: 4, fail: 3.5 } } })], {
    reporting: { fields: ['public', 'network.dns/names[].addresses[]'] },
    gate: GateSettings.parse({ onAgentLoss: 'closed', maxDrainMs: 60_000 }),
  });
  const desk = { verdict: () => ({ ...verdict, waivers: [inForce.id] }), findings: () => [], sessionRules: () => [] };
  const orders = { policy, plan: fakePlan(), waivers: [idle, inForce], vantage: 'endpoint' };
  const fleet = {
    standing: () => ({ orders, scope: { ccpHosts: [] }, signed: true, unassigned: false }),
    snapshot: () => snapshot.fleet,
  };
  const gate = { status: () => snapshot.gate, activity: () => snapshot.activity, enforcers: () => [] };
  const agent = { version: '0.1.0', platform: 'linux' };
  return { desk, gate, fleet, releases: { current: () => null }, agent } as unknown as Known;
}

it('a user is told what is measured, what leaves, and which waivers count', () => {
  const told = Snapshot.parse(snapshotOf(known(), { startedAt: snapshot.daemon.startedAt, epoch: snapshot.daemon.epoch }));
  expect(told.policy.quality).toMatchObject({ mos: { warn: 4, fail: 3.5 }, rttMs: { warn: 300 } });
  expect(told.policy.reporting).toEqual({ fields: ['public', 'network.dns/names[].addresses[]'] });
  expect(told.policy.gate).toEqual({ onAgentLoss: 'closed', maxDrainMs: 60_000 });
  const { schema: _schema, ...shown } = inForce;
  expect(told.waivers).toEqual([shown]);
});

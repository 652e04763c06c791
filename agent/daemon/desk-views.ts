import type { Platform } from '../../checks/host.ts';
import { qualityLimits } from '../../checks/network/quality-limits.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { GateDriver } from '../gate/drive-gate.ts';
import type { ReleaseStore } from '../gate/release-store.ts';
import type { Desk } from './desk.ts';
import type { FleetSide, FleetSideSettings } from './fleet-side.ts';
import { ccpOf, turnOf } from './session-side.ts';

/** What there is to tell of, and by whom it is known. */
export interface Known {
  desk: Desk;
  gate: GateDriver;
  fleet: FleetSide;
  releases: Pick<ReleaseStore, 'current'>;
  agent: { version: string; platform: Platform };
}

/** For the desk's users. */
export function snapshotOf({ desk, gate, fleet, releases, agent }: Known, daemon: { startedAt: string; epoch: string }): Snapshot {
  const { orders, scope, signed, unassigned } = fleet.standing();
  const { id, revision, instance, rules, reporting, gate: settings } = orders.policy;
  const verdict = unassigned ? null : desk.verdict();
  return {
    verdict,
    findings: [...desk.findings()],
    gate: gate.status(),
    activity: gate.activity(),
    enforcers: [...gate.enforcers()],
    releasedUntil: releases.current()?.until ?? null,
    fleet: fleet.snapshot(),
    policy: {
      signed,
      id,
      revision,
      instance: { alias: instance.alias, region: instance.region },
      rules: rules.map(({ id: rule, check, on }) => ({ id: rule, check, on })),
      gate: { onAgentLoss: settings.onAgentLoss, maxDrainMs: settings.maxDrainMs },
      quality: qualityLimits(rules, orders.vantage),
      reporting,
    },
    waivers: orders.waivers.filter((waiver) => verdict?.waivers.includes(waiver.id)).map(({ schema: _schema, ...waiver }) => waiver),
    ccp: ccpOf(orders.policy, scope.ccpHosts),
    session: { rules: desk.sessionRules(), turn: turnOf(orders.plan) },
    allowlist: orders.plan.allowlist,
    daemon: { version: agent.version, ...daemon },
  };
}

/** For the fleet's reports. */
export function reportViewOf({ desk, fleet, agent, ...known }: Known): ReturnType<FleetSideSettings['view']> {
  const { orders } = fleet.standing();
  const { alias = '', region } = orders.policy.instance;
  return {
    agent,
    instance: { alias, region },
    allowlist: orders.plan.allowlist,
    gate: gateViewOf({ fleet, ...known }),
    verdict: desk.verdict(),
    findings: [...desk.findings()],
  };
}

export function gateViewOf({ gate, fleet }: Pick<Known, 'gate' | 'fleet'>) {
  const { state, wouldBe, reason } = gate.status();
  const { mode } = fleet.standing().orders.policy.gate;
  return { mode, state, wouldBe, reason, activity: gate.activity().activity, enforcers: [...gate.enforcers()] };
}

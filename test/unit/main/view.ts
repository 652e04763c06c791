import { CheckId, RuleId } from '../../../contracts/finding.ts';
import type { GateStatus } from '../../../contracts/gate.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import type { Cause, Verdict } from '../../../contracts/verdict.ts';

export const NOW = new Date('2026-03-03T10:20:00.000Z');
export const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000).toISOString();
const uuid = '0a0f4f5e-2f5b-4c39-9f0e-7c2c4fbd3f5b';

export function cause(check: string, more: Partial<Cause> = {}): Cause {
  return {
    rule: RuleId.parse(check),
    check: CheckId.parse(check),
    enforcement: 'block',
    explains: [],
    blocksAt: null,
    waiver: null,
    ...more,
  };
}

export function verdict(standing: Verdict['standing'], more: Partial<Verdict> = {}): Verdict {
  return {
    policy: { id: 'floor', revision: 3 },
    allowlist: { revision: 12 },
    standing,
    causes: [],
    undetermined: [],
    blocksAt: null,
    waivers: [],
    decidedAt: at(-1),
    validUntil: at(600),
    ...more,
  };
}

export function gate(state: GateStatus['state'] = 'open', more: Partial<GateStatus> = {}): GateStatus {
  return {
    state,
    wouldBe: state,
    sinceMs: 0,
    reason: state === 'open' ? 'clear' : 'blocked',
    drainEndsByMs: null,
    acting: true,
    notActingBecause: null,
    ...more,
  };
}

/** A policy that only observes, under which the gate would be so. */
export function observing(wouldBe: GateStatus['state']): GateStatus {
  return gate('open', { wouldBe, reason: wouldBe === 'open' ? 'clear' : 'blocked', acting: false, notActingBecause: 'observe' });
}

export function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    verdict: verdict('clear'),
    findings: [],
    gate: gate(),
    activity: { activity: 'unknown', byPrivileged: false, sources: [] },
    enforcers: [],
    releasedUntil: null,
    fleet: { state: 'enrolled', server: 'https://fleet.example.com', device: uuid, heardAt: at(-1), trouble: null, waitingReports: 0 },
    policy: {
      signed: true,
      id: 'floor',
      revision: 3,
      instance: { alias: 'acme', region: 'us-west-2' },
      rules: [],
      gate: { onAgentLoss: 'open', maxDrainMs: 7_200_000 },
      quality: null,
      reporting: { fields: [] },
    },
    waivers: [],
    ccp: {
      url: 'https://acme.my.connect.aws/ccp-v2/',
      origins: ['https://acme.my.connect.aws'],
      loginOrigins: ['https://login.example.com'],
    },
    session: { rules: [], turn: [] },
    allowlist: { revision: 12, createdAt: at(-1_000) },
    daemon: { version: '0.1.0', startedAt: at(-60), epoch: uuid },
    ...more,
  };
}

export function view(told: Partial<Snapshot> | null = {}, more: Partial<DeskView> = {}): DeskView {
  return {
    link: 'connected',
    snapshot: told && snapshot(told),
    heardAt: told && at(0),
    looking: [],
    ccp: 'not-open',
    ccpTrouble: null,
    locale: { choice: 'auto', inUse: 'en' },
    app: { version: '0.1.0', platform: 'linux' },
    ...more,
  };
}

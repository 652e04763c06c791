import type { Finding } from '../../../contracts/finding.ts';
import { CheckId, RuleId } from '../../../contracts/finding.ts';
import type { GateReason, GateStatus } from '../../../contracts/gate.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import { fakeRule } from '../../fakes/fake-policy.ts';
import { cause, gate, observing, snapshot, verdict } from '../../unit/main/view.ts';
import { CCP_HOST, LOGIN_HOST } from './ccp-site.ts';

export const TURN = CheckId.parse('network.turn-udp');
const turnRule = fakeRule(TURN);
const HOUR_MS = 3_600_000;
const now = () => new Date().toISOString();
const valid = () => ({ decidedAt: now(), validUntil: new Date(Date.now() + HOUR_MS).toISOString() });

export type Told = Pick<Snapshot, 'verdict' | 'findings' | 'gate'>;

/** What the scripted daemon says of an enrolled desk under a policy that enforces, before a test says otherwise. */
export function deskSnapshot(): Snapshot {
  return snapshot({
    ...clear(),
    policy: {
      signed: true,
      id: 'floor',
      revision: 3,
      instance: { alias: 'acme', region: 'us-west-2' },
      rules: [turnRule].map(ruleToldOf),
      gate: { onAgentLoss: 'open', maxDrainMs: 7_200_000 },
      quality: null,
      reporting: { fields: [] },
    },
    ccp: { url: `https://${CCP_HOST}/ccp-v2/`, origins: [`https://${CCP_HOST}`], loginOrigins: [`https://${LOGIN_HOST}`] },
    daemon: { version: '0.1.0', startedAt: now(), epoch: '6b0c6f0c-6d3c-4e0a-9d0a-3f1f6f3b8c55' },
  });
}

export function ruleToldOf({ id, check, on }: Snapshot['policy']['rules'][number]): Snapshot['policy']['rules'][number] {
  return { id, check, on };
}

export function clear(): Told {
  return { verdict: verdict('clear', valid()), findings: [finding(TURN, { kind: 'pass' })], gate: gate('open') };
}

export function blocked(state: GateStatus['state'] = 'closed', reason: GateReason = 'blocked'): Told {
  return { ...bad(), gate: gate(state, { reason }) };
}

export function caution(check: CheckId): Snapshot['verdict'] {
  return verdict('caution', { ...valid(), causes: [cause(check, { enforcement: 'warn' })] });
}

/** Blocked under a policy that only observes. */
export function onlyObserved(): Told {
  return { ...bad(), gate: observing('closed') };
}

function bad(): Omit<Told, 'gate'> {
  const outcome: Finding['outcome'] = { kind: 'fail', reason: 'udp-blocked', args: { hosts: 'turn.example.com', count: 1, total: 1 } };
  return { verdict: verdict('blocked', { ...valid(), causes: [cause(TURN)] }), findings: [finding(TURN, outcome)] };
}

export function finding(check: CheckId, outcome: Finding['outcome'], venue: Finding['venue'] = 'daemon', evidence: unknown = {}): Finding {
  const at = now();
  return {
    ...{ rule: RuleId.parse(check), check, revision: 1, venue, vantage: 'endpoint', outcome, evidence, partial: false },
    ...{ observedAt: at, since: at, lastPassAt: at, badForMs: outcome.kind === 'pass' ? 0 : 1, goodRuns: outcome.kind === 'pass' ? 3 : 0 },
    tookMs: 20,
  };
}

import type { EnforcerNoteCode, EnforcerState, EnforcerStatus } from '../../../../contracts/enforcer.ts';
import type { GateStatus } from '../../../../contracts/gate.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import type { LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import { blockedRun } from './sample-run.ts';

export const closedGate: GateStatus = {
  state: 'closed',
  wouldBe: 'closed',
  sinceMs: 0,
  reason: 'blocked',
  drainEndsByMs: null,
  acting: true,
  notActingBecause: null,
};

/** Of an enrolled desk whose gate acts and is closed; nothing holds it yet. */
export const snapshot: Snapshot = {
  verdict: blockedRun.verdict,
  findings: blockedRun.findings,
  gate: closedGate,
  activity: { activity: 'idle', byPrivileged: true, sources: ['media-packets', 'microphone'] },
  enforcers: [],
  releasedUntil: null,
  fleet: {
    state: 'enrolled',
    server: 'https://fleet.example.com',
    device: '0a0f4f5e-2f5b-4c39-9f0e-7c2c4fbd3f5b',
    heardAt: '2026-01-01T08:00:00.000Z',
    trouble: null,
    waitingReports: 0,
  },
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
  ccp: { url: 'https://acme.my.connect.aws/ccp-v2/', origins: ['https://acme.my.connect.aws'], loginOrigins: [] },
  session: { rules: [], turn: [] },
  allowlist: blockedRun.allowlist,
  daemon: { version: '1.2.3', startedAt: '2026-01-01T08:00:00.000Z', epoch: '0a0f4f5e-2f5b-4c39-9f0e-7c2c4fbd3f5b' },
};

export function enforcer(
  state: EnforcerState,
  codes: readonly EnforcerNoteCode[] = [],
  wanted: 'open' | 'closed' = 'closed',
): EnforcerStatus {
  return {
    enforcer: 'browser-policy',
    wanted,
    state,
    targets: [{ target: 'chrome', state, notes: codes.map((code) => ({ code, detail: `of ${code}` })) }],
  };
}

/** A daemon that answers these calls, and no others. */
export function answering(client: Partial<LocalApiClient>) {
  return { connectDaemon: async () => ({ close() {}, ...client }) as LocalApiClient };
}

export const telling = (told: Partial<Snapshot>) => answering({ snapshot: async () => ({ ok: true, value: { ...snapshot, ...told } }) });

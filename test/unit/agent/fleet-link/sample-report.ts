import { randomUUID } from 'node:crypto';
import type { Report } from '../../../../contracts/report.ts';

export function sampleReport(device: string, seq: number): Report {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    schema: 1,
    id: randomUUID(),
    device,
    epoch: randomUUID(),
    seq,
    scope: 'full',
    madeAt: at,
    agent: { version: '0.1.0', platform: 'linux' },
    instance: { alias: 'acme', region: 'us-west-2' },
    allowlist: { revision: 1, createdAt: at },
    gate: { mode: 'observe', state: 'open', wouldBe: 'open', reason: 'clear', activity: 'idle', enforcers: [] },
    releases: [],
    verdict: {
      policy: { id: 'acme', revision: 1 },
      allowlist: { revision: 1 },
      standing: 'clear',
      causes: [],
      undetermined: [],
      blocksAt: null,
      waivers: [],
      decidedAt: at,
      validUntil: at,
    },
    findings: [],
    sealed: null,
  };
}

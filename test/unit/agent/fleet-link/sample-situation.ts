import type { Heartbeat } from '../../../../contracts/fleet-api.ts';

export function sampleSituation(standing: Heartbeat['standing']): Pick<Heartbeat, 'standing' | 'gate' | 'health'> {
  return {
    standing,
    gate: { mode: 'observe', state: 'open', wouldBe: standing === 'blocked' ? 'closed' : 'open', activity: 'idle', enforcers: [] },
    health: { upSec: 60, rssBytes: 50_000_000, cpuShare: 0.001, longestCheckMs: 900, outbox: { reports: 0, bytes: 0, dropped: 0 } },
  };
}

import type { Clock } from '../../checks/host.ts';
import type { Finding } from '../../contracts/finding.ts';
import type { Heartbeat } from '../../contracts/fleet-api.ts';

export interface Health {
  /** Since the last reading: the fleet sees a share of a core over each of its intervals. */
  read(findings: readonly Finding[], outbox: Heartbeat['health']['outbox']): Heartbeat['health'];
}

/** Shorter intervals say more of the reading itself than of the daemon. */
const SHORTEST_MS = 1_000;

export function createHealth(clock: Pick<Clock, 'monotonicMs'>): Health {
  const startedMs = clock.monotonicMs();
  let last = { atMs: startedMs, cpuUs: cpuUs() };
  let cpuShare = 0;
  return {
    read(findings, outbox) {
      const nowMs = clock.monotonicMs();
      if (nowMs - last.atMs >= SHORTEST_MS) {
        const used = cpuUs();
        cpuShare = Math.max(0, (used - last.cpuUs) / 1_000 / (nowMs - last.atMs));
        last = { atMs: nowMs, cpuUs: used };
      }
      return {
        upSec: Math.max(0, Math.round((nowMs - startedMs) / 1_000)),
        rssBytes: process.memoryUsage.rss(),
        cpuShare,
        longestCheckMs: findings.reduce((most, { tookMs }) => Math.max(most, tookMs), 0),
        outbox,
      };
    },
  };
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

import { randomBytes, randomUUID } from 'node:crypto';
import { CheckId, type Finding, RuleId } from '../../../contracts/finding.ts';
import type { Heartbeat } from '../../../contracts/fleet-api.ts';
import type { Report } from '../../../contracts/report.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';

export const START = Date.parse('2026-03-02T08:00:00.000Z');
export const at = (minutes: number) => new Date(START + minutes * 60_000).toISOString();

export function aFinding(rule: string, overrides: Partial<Finding> = {}): Finding {
  return {
    rule: RuleId.parse(rule),
    check: CheckId.parse('network.turn-udp'),
    revision: 1,
    venue: 'daemon',
    vantage: 'endpoint',
    outcome: { kind: 'pass' },
    evidence: { hosts: ['turn.example.com'], rttMs: 12 },
    partial: false,
    observedAt: at(0),
    since: at(0),
    lastPassAt: at(0),
    badForMs: 0,
    goodRuns: 3,
    tookMs: 12,
    ...overrides,
  };
}

export function failing(rule: string, reason = 'udp-blocked', overrides: Partial<Finding> = {}): Finding {
  return aFinding(rule, { outcome: { kind: 'fail', reason, args: { host: 'turn.example.com', lost: 3 } }, ...overrides });
}

export interface ReportGiven extends Partial<Omit<Report, 'verdict' | 'gate'>> {
  standing?: Report['verdict']['standing'];
  gateState?: Report['gate']['state'];
  causes?: readonly string[];
}

export function aReport(device: string, given: ReportGiven = {}): Report {
  const { standing = 'clear', gateState = 'open', causes = [], ...overrides } = given;
  const madeAt = overrides.madeAt ?? at(0);
  return {
    schema: 1,
    id: randomUUID(),
    device,
    epoch: '00000000-0000-4000-8000-0000000000e1',
    seq: 0,
    scope: 'full',
    agent: { version: '0.1.0', platform: 'linux' },
    instance: { alias: 'acme', region: 'eu-central-1' },
    allowlist: { revision: 7, createdAt: at(0) },
    gate: {
      ...{ mode: 'observe', state: gateState, wouldBe: gateState, reason: 'clear', activity: 'idle' },
      enforcers: [],
    },
    releases: [],
    verdict: {
      policy: { id: 'acme-floor', revision: 3 },
      allowlist: { revision: 7 },
      standing,
      causes: causes.map((rule) => ({
        ...{ rule: RuleId.parse(rule), check: CheckId.parse('network.turn-udp'), enforcement: 'block' },
        ...{ explains: [], blocksAt: null, waiver: null },
      })),
      undetermined: [],
      blocksAt: null,
      waivers: [],
      decidedAt: madeAt,
      validUntil: madeAt,
    },
    findings: [aFinding('turn'), aFinding('hosts')],
    sealed: null,
    ...overrides,
    madeAt,
  };
}

export function aHeartbeat(given: Partial<Heartbeat> = {}): Heartbeat {
  return {
    schema: 1,
    sentAt: at(0),
    agent: { version: '0.1.0', platform: 'linux' },
    standing: 'clear',
    gate: { mode: 'observe', state: 'open', wouldBe: 'open', activity: 'idle', enforcers: [] },
    held: { policy: 3, allowlist: 7, waivers: 0, sealing: 0, keys: 0 },
    refused: [],
    health: { upSec: 60, rssBytes: 60_000_000, cpuShare: 0.001, longestCheckMs: 40, outbox: { reports: 0, bytes: 0, dropped: 0 } },
    ...given,
  };
}

export interface DeviceGiven {
  group?: string | null;
  tags?: Record<string, string>;
  hostNameSealed?: Buffer;
  hostNameIndex?: Buffer;
}

/** Enrolled, as far as its row says. */
export async function addDevices(
  db: Db,
  { tenant, instance }: { tenant: string; instance: string },
  count: number,
  given: (index: number) => DeviceGiven = () => ({}),
): Promise<string[]> {
  const rows = Array.from({ length: count }, (_, index) => {
    const { group = null, tags = {}, hostNameSealed = randomBytes(40), hostNameIndex = randomBytes(32) } = given(index);
    return {
      tenant_id: tenant,
      instance_id: instance,
      id: randomUUID(),
      status: 'enrolled' as const,
      ticket_id: null,
      spki_hash: randomBytes(32),
      host_name_sealed: hostNameSealed,
      host_name_index: hostNameIndex,
      platform: 'linux' as const,
      owner_id: null,
      group_id: group,
      tags: JSON.stringify(tags),
      enrolled_at: new Date(START),
      created_at: new Date(START),
      status_changed_at: new Date(START),
    };
  });
  for (let first = 0; first < rows.length; first += 1_000) {
    await db.within({ tenant, instance }, (tx) =>
      tx
        .insertInto('device')
        .values(rows.slice(first, first + 1_000))
        .execute(),
    );
  }
  return rows.map(({ id }) => id);
}

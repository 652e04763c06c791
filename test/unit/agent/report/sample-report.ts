import { z } from 'zod';
import type { DeskView } from '../../../../agent/report/build-report.ts';
import type { AnyCheck } from '../../../../checks/check.ts';
import { defineCheck } from '../../../../checks/check.ts';
import { CheckId, type Finding, RuleId } from '../../../../contracts/finding.ts';
import type { Report } from '../../../../contracts/report.ts';
import type { Verdict } from '../../../../contracts/verdict.ts';

export const AT = '2026-03-02T08:00:00.000Z';

/** Sees fields of every class, in every kind of holder. */
export const classyCheck: AnyCheck = defineCheck({
  id: 'device.classy',
  revision: 2,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'endpoint-security',
  controls: [],
  timeoutMs: 1_000,
  params: z.strictObject({}),
  evidence: z.strictObject({
    count: z.number().meta({ class: 'public' }),
    hosts: z.array(z.string()).meta({ class: 'internal' }),
    serial: z.string().meta({ class: 'confidential' }).optional(),
    users: z
      .array(z.strictObject({ name: z.string().meta({ class: 'restricted' }), admin: z.boolean() }))
      .meta({ class: 'internal' })
      .optional(),
    homes: z.record(z.string(), z.number()).meta({ class: 'restricted' }).optional(),
  }),
  reasons: ['bad'],
  rule: { everyMs: 60_000, settleMs: 0, graceMs: 0, on: { fail: 'warn', degraded: 'warn', unknown: 'note' } },
  probe: async () => ({ seen: true, value: { count: 0, hosts: [] } }),
  evaluate: () => ({ kind: 'pass' }),
});

export function aFinding(overrides: Partial<Finding> = {}): Finding {
  return {
    rule: RuleId.parse('device.classy'),
    check: CheckId.parse('device.classy'),
    revision: 2,
    venue: 'daemon',
    vantage: 'endpoint',
    outcome: { kind: 'pass' },
    evidence: { count: 1, hosts: ['turn.example.com'] },
    partial: false,
    observedAt: AT,
    since: AT,
    lastPassAt: AT,
    badForMs: 0,
    goodRuns: 3,
    tookMs: 12,
    ...overrides,
  };
}

export function aVerdict(overrides: Partial<Verdict> = {}): Verdict {
  return {
    policy: { id: 'acme-floor', revision: 3 },
    allowlist: { revision: 7 },
    standing: 'clear',
    causes: [],
    undetermined: [],
    blocksAt: null,
    waivers: [],
    decidedAt: AT,
    validUntil: AT,
    ...overrides,
  };
}

export function aView(overrides: Partial<DeskView> = {}): DeskView {
  return {
    device: '5f0c6a51-93d2-4c0e-8a0f-0d6f3a3b9c10',
    agent: { version: '0.1.0', platform: 'linux' },
    instance: { alias: 'acme', region: 'us-west-2' },
    allowlist: { revision: 7, createdAt: AT },
    gate: { mode: 'observe', state: 'open', wouldBe: 'open', reason: 'clear', activity: 'idle', enforcers: [] },
    releases: [],
    verdict: aVerdict(),
    findings: [aFinding()],
    ...overrides,
  };
}

/** A whole report; `padding` makes it that much longer. */
export function aReport(id: string, epoch: string, seq: number, { madeAt = AT, padding = 0 } = {}): Report {
  const findings = [aFinding({ evidence: { count: seq, padding: 'x'.repeat(padding) } })];
  return { schema: 1, id, epoch, seq, scope: 'full', madeAt, ...aView({ findings }), sealed: null };
}

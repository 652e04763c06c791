import { z } from 'zod';
import type { Check, CheckSpec } from '../../checks/check.ts';
import { defineCheck } from '../../checks/check.ts';
import type { Reading } from '../../checks/host.ts';

const evidence = z.strictObject({ ok: z.boolean(), padding: z.string().default('') });
type Evidence = z.output<typeof evidence>;
type Spec = CheckSpec<'daemon', Record<string, unknown>, Evidence, 'not-ok'>;

/** A daemon check that passes when its evidence is ok and fails with `not-ok` otherwise. */
export function fakeCheck(id: string, overrides: Partial<Spec> = {}): Check<'daemon'> {
  return defineCheck<'daemon', Record<string, unknown>, Evidence, 'not-ok'>({
    id,
    revision: 3,
    venue: 'daemon',
    layer: 'workstation',
    responsibility: 'yours',
    area: 'network',
    controls: [],
    timeoutMs: 1_000,
    params: z.strictObject({}),
    evidence,
    reasons: ['not-ok'],
    rule: { everyMs: 60_000, settleMs: 30_000, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'warn' } },
    probe: async () => seen(true),
    evaluate: ({ ok }) => (ok ? { kind: 'pass' } : { kind: 'fail', reason: 'not-ok' }),
    ...overrides,
  });
}

export function seen(ok: boolean, padding = ''): Reading<Evidence> {
  return { seen: true, value: { ok, padding } };
}

type SessionSpec = CheckSpec<'session', Record<string, unknown>, Evidence, 'not-ok'>;

/** As `fakeCheck`, for the user's session. */
export function fakeSessionCheck(id: string, overrides: Partial<SessionSpec> = {}): Check<'session'> {
  return defineCheck<'session', Record<string, unknown>, Evidence, 'not-ok'>({
    id,
    revision: 1,
    venue: 'session',
    layer: 'workstation',
    responsibility: 'yours',
    area: 'call-quality',
    controls: [],
    timeoutMs: 1_000,
    params: z.strictObject({}),
    evidence,
    reasons: ['not-ok'],
    rule: { everyMs: 60_000, settleMs: 0, graceMs: 0, on: { fail: 'block', degraded: 'warn', unknown: 'warn' } },
    probe: async () => seen(true),
    evaluate: ({ ok }) => (ok ? { kind: 'pass' } : { kind: 'fail', reason: 'not-ok' }),
    ...overrides,
  });
}

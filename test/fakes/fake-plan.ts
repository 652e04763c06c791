import { buildPrefixTable } from '../../checks/network/prefix-table.ts';
import type { Plan } from '../../checks/plan.ts';
import { Features, Instance } from '../../contracts/instance.ts';
import { NetworkSettings } from '../../contracts/policy.ts';

/** A plan of nothing for acme in us-west-2; a test names what it needs. */
export function fakePlan(overrides: Partial<Plan> = {}): Plan {
  return {
    instance: Instance.parse({ alias: 'acme', region: 'us-west-2' }),
    features: Features.parse({}),
    network: NetworkSettings.parse({}),
    endpoints: [],
    skipped: [],
    allowlist: { revision: 1, createdAt: '2026-01-01T00:00:00.000Z' },
    roots: [],
    awsPrefixes: () => buildPrefixTable([]),
    ...overrides,
  };
}

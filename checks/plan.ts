import type { Allowlist } from '../contracts/allowlist.ts';
import type { Features, Instance } from '../contracts/instance.ts';
import type { NetworkSettings } from '../contracts/policy.ts';
import type { Endpoint, SkippedRow } from './network/endpoints.ts';
import { planEndpoints } from './network/endpoints.ts';
import type { PrefixTable } from './network/prefix-table.ts';
import { buildPrefixTable } from './network/prefix-table.ts';

/** What this desk must reach, and by which facts it is judged: a pure function of the policy and the allowlist. */
export interface Plan {
  readonly instance: Instance;
  readonly features: Features;
  readonly network: NetworkSettings;
  readonly endpoints: readonly Endpoint[];
  readonly skipped: readonly SkippedRow[];
  readonly allowlist: { readonly revision: number; readonly createdAt: string };
  /** Expected roots of the allowlist; those of the policy stand in `network.extraRoots`. */
  readonly roots: Allowlist['roots'];
  /** All of AWS's published prefixes, built on first use. */
  awsPrefixes(): PrefixTable;
}

export function makePlan(policy: { instance: Instance; features: Features; network: NetworkSettings }, allowlist: Allowlist): Plan {
  const { endpoints, skipped } = planEndpoints(policy, allowlist);
  let table: PrefixTable | undefined;
  return {
    instance: policy.instance,
    features: policy.features,
    network: policy.network,
    endpoints,
    skipped,
    allowlist: { revision: allowlist.revision, createdAt: allowlist.createdAt },
    roots: allowlist.roots,
    awsPrefixes() {
      table ??= buildPrefixTable((allowlist.prefixes.AMAZON ?? []).flatMap((set) => [...set.v4, ...set.v6]));
      return table;
    },
  };
}

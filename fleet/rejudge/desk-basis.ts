import type { Allowlist } from '../../contracts/allowlist.ts';
import { Allowlist as AllowlistShape } from '../../contracts/allowlist.ts';
import { Policy } from '../../contracts/policy.ts';
import { SignedDocument } from '../../contracts/signed-document.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Basis } from './judge-rule.ts';

/** More policies than an instance has at a time; a desk of a policy beyond them is judged by its evidence alone. */
const MAX_KNOWN = 500;

/** What desks judged under, by the revision of the signed policy that their verdict names. */
export function knownBases(instance: string) {
  const policies = new Map<number, Policy | null>();
  return {
    async of(tx: Tx, said: { policy: number; allowlist: number } | null): Promise<Basis | null> {
      if (!said) return null;
      let policy = policies.get(said.policy);
      if (policy === undefined && policies.size < MAX_KNOWN) {
        policy = await readPolicy(tx, instance, said.policy);
        policies.set(said.policy, policy);
      }
      return policy ? { policy, allowlist: said.allowlist } : null;
    },
  };
}

/** What desks of the instance are to judge by now: what was published last, or what ships with the product. */
export async function currentAllowlist(tx: Tx, instance: string, shipped: Allowlist): Promise<Allowlist> {
  const row = await tx
    .selectFrom('signed_document')
    .select('envelope')
    .where('instance_id', '=', instance)
    .where('kind', '=', 'allowlist')
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? AllowlistShape.parse(bodyOf(row.envelope)) : shipped;
}

async function readPolicy(tx: Tx, instance: string, revision: number): Promise<Policy | null> {
  const row = await tx
    .selectFrom('signed_document')
    .select('envelope')
    .where('instance_id', '=', instance)
    .where('kind', '=', 'policy')
    .where('revision', '=', revision)
    .executeTakeFirst();
  const parsed = row ? Policy.safeParse(bodyOf(row.envelope)) : null;
  return parsed?.success ? parsed.data : null;
}

function bodyOf(envelope: unknown): unknown {
  return JSON.parse(SignedDocument.parse(envelope).body);
}

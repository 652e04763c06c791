import type { Acceptance } from '../../contracts/console/policies.ts';
import { Policy } from '../../contracts/policy.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import { type IssuingDeps, issueDocument } from '../documents/issue.ts';
import { FleetFault } from '../http/fault.ts';
import { policyContent, publishedPolicies, readResolvedIfItCan } from './policy-content.ts';
import { demandPreview } from './preview-gate.ts';
import { lockNewest, readRevision } from './revisions.ts';

/**
 * From now on desks that the policy is assigned to obey this revision. Gives the revision of the signed document; null where
 * it waits for its signature.
 */
export async function publishRevision(
  deps: IssuingDeps,
  tx: Tx,
  instance: DocumentInstance,
  given: { policy: string; revision: number; accept: Acceptance | undefined; by: string | null; restricted?: boolean },
): Promise<number | null> {
  const { policy, revision, by, restricted = false } = given;
  const now = deps.now();
  await lockNewest(tx, instance, policy);
  const row = await readRevision(tx, instance.id, policy, revision);
  if (!row) throw new FleetFault('not-found', 'there is no such revision');
  const published = (await publishedPolicies(tx, instance.id, [policy])).get(policy);
  if (published && published.revision >= revision) {
    throw new FleetFault(
      'conflict',
      `revision ${published.revision} is published: an earlier one comes back by a rollback, as a new revision`,
    );
  }
  await demandSecondPerson(tx, row.created_by, by);
  const before = published ? await readResolvedIfItCan(tx, instance.id, policy, published.revision) : null;
  const after = Policy.parse(row.resolved);
  const accepted = await demandPreview(tx, instance.id, { before, after, hash: row.content_hash, accept: given.accept, now, restricted });
  await tx
    .updateTable('policy_revision')
    .set({ published_at: now, published_by: by, accepted_blocks: accepted })
    .where('instance_id', '=', instance.id)
    .where('policy_id', '=', policy)
    .where('revision', '=', revision)
    .execute();
  return issueDocument(deps, tx, instance, policyContent(tx, instance.id, { policy, revision, hash: row.content_hash }));
}

/** Where the tenant wants it so, nobody publishes what he has written. The command line on the server counts as one person. */
async function demandSecondPerson(tx: Tx, author: string | null, publisher: string | null): Promise<void> {
  if (author !== publisher) return;
  const settings = await tx.selectFrom('tenant_settings').select('publish_two_person').executeTakeFirst();
  if (!settings?.publish_two_person) return;
  throw new FleetFault('conflict', 'somebody other than who wrote this revision must publish it');
}

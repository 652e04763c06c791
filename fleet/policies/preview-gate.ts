import { z } from 'zod';
import type { Acceptance } from '../../contracts/console/policies.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { readAssignments } from './assigned-policy.ts';
import { reachedDesks } from './reached-desks.ts';
import { canBlockMore } from './stricter.ts';

/** Of the desks that a policy reaches; above it somebody must have read the number. */
const MOST_BLOCKED_SHARE = 0.05;
/** A number of yesterday says nothing of today's desks. */
const PREVIEW_HOLDS_MS = 24 * 60 * 60_000;

const NOT_FOR_YOU = 'the number of desks that would newly be blocked must be accepted, by somebody who may see every desk';

/** What the summary of a preview must at least say. */
const PreviewNumbers = z.object({ reached: z.int().nonnegative(), newlyBlocked: z.int().nonnegative() });

export interface GateAsk {
  before: Policy | null;
  after: Policy;
  hash: Buffer;
  accept: Acceptance | undefined;
  now: Date;
  /** Whoever publishes may not see every desk: no refusal tells how many there are. */
  restricted: boolean;
}

/**
 * Refuses what newly enforces, or newly blocks more than 5 % of the desks it reaches, unless the number of its preview is
 * accepted. Gives the accepted number; null where none had to be.
 */
export async function demandPreview(
  tx: Tx,
  instance: string,
  { before, after, hash, accept, now, restricted }: GateAsk,
): Promise<number | null> {
  if (!canBlockMore(before, after)) return null;
  // What is reached now, whatever the preview was asked for: one of the whole instance would make the share small.
  const of = (await reachedDesks(tx, instance, await readAssignments(tx, instance))).get(after.id)?.size ?? 0;
  if (of === 0) return null;
  const preview = await findPreview(tx, instance, { policy: after.id, hash, id: accept?.preview, now });
  if (!preview || preview.numbers.reached < of) {
    throw new FleetFault(
      'preview-needed',
      'this revision can block more desks than the one that is published: preview it, as it stands, first',
    );
  }
  const { newlyBlocked } = preview.numbers;
  const enforces = after.gate.mode === 'enforce' && before?.gate.mode !== 'enforce';
  if (!enforces && newlyBlocked <= of * MOST_BLOCKED_SHARE) return accept ? exactly(newlyBlocked, accept, restricted) : null;
  if (!accept) {
    const what = enforces ? 'closes the gate from now on, and' : 'newly blocks more than 5 %:';
    const number = `${newlyBlocked} of ${of} desks would newly be blocked: accept { preview: "${preview.id}", blocks: ${newlyBlocked} }`;
    throw new FleetFault('preview-needed', restricted ? NOT_FOR_YOU : `this ${what} ${number}`, { path: 'body.accept' });
  }
  return exactly(newlyBlocked, accept, restricted);
}

function exactly(newlyBlocked: number, { blocks }: Acceptance, restricted: boolean): number {
  if (blocks === newlyBlocked) return newlyBlocked;
  const said = restricted ? NOT_FOR_YOU : `the preview says ${newlyBlocked}, and ${blocks} was accepted`;
  throw new FleetFault('preview-needed', said, { path: 'body.accept.blocks' });
}

/** Of exactly this content, of today, of after the last assignment, and of every desk: not only of those its maker may see. */
async function findPreview(
  tx: Tx,
  instance: string,
  { policy, hash, id, now }: { policy: string; hash: Buffer; id: string | undefined; now: Date },
) {
  const row = await tx
    .selectFrom('policy_preview')
    .innerJoin('instance', 'instance.instance_id', 'policy_preview.instance_id')
    .select(['policy_preview.id', 'policy_preview.summary'])
    .where('policy_preview.instance_id', '=', instance)
    .where('policy_id', '=', policy)
    .where('content_hash', '=', hash)
    .where('status', '=', 'done')
    .where('complete', '=', true)
    .where('made_at', '>', new Date(now.getTime() - PREVIEW_HOLDS_MS))
    .where((eb) => eb.or([eb('assigned_at', 'is', null), eb('made_at', '>', eb.ref('assigned_at'))]))
    .$if(id !== undefined, (query) => query.where('policy_preview.id', '=', id ?? ''))
    .orderBy('made_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && { id: row.id, numbers: PreviewNumbers.parse(row.summary) };
}

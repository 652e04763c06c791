import { PolicyParams } from '../../contracts/console/policies.ts';
import {
  PreviewAnswer,
  PreviewById,
  PreviewDesksAnswer,
  PreviewDesksQuery,
  PreviewRequest,
  PreviewStarted,
} from '../../contracts/console/rejudge.ts';
import { Policy } from '../../contracts/policy.ts';
import type { Actor } from '../access/actor.ts';
import { demandAtAll } from '../access/refusal.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { demandPolicy, seesEveryDesk } from '../policies/policy-access.ts';
import { type PreviewDeps, preview } from './preview.ts';
import { beginPreview, endPreview, keepMoved, listMoved, readPreview, type StoredPreview } from './preview-rows.ts';

export interface RejudgeDeps extends PreviewDeps {
  /** The server stops: previews that run end as failed. */
  stop: AbortSignal;
  /** What runs beside calls: whoever stops waits for it. */
  beside(work: Promise<void>): void;
  /** A preview that failed for another reason than that. */
  onFault(error: unknown): void;
}

/** One at a time and tenant on this server: each reads all that its desks have said. */
const RETRY_SEC = 10;

export function rejudgeRoutes(deps: RejudgeDeps): readonly Route[] {
  const { db, keyring, now, stop } = deps;
  const running = new Set<string>();

  return [
    consoleRoute({
      method: 'POST',
      path: '/api/v1/instances/:instance/policies/:policy/previews',
      summary: 'Judge what desks have said by a revision of the policy: who would come to be blocked, and why',
      who: 'signed-in',
      needs: 'Policies.View',
      params: PolicyParams,
      body: PreviewRequest,
      answer: PreviewStarted,
      status: 202,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        demandAtAll(actor, 'Devices.View');
        const { tenant } = actor;
        const draft = await readDraft(tx, params, body.revision);
        if (running.has(tenant))
          throw new FleetFault('slow-down', 'another preview of the tenant is under way', { retryAfterSec: RETRY_SEC });
        running.add(tenant);
        const scope = { tenant, instance: params.instance };
        try {
          // Committed before the answer: what runs beside it writes to this row.
          const by = actor.kind === 'account' ? actor.account : null;
          const id = await db.within(scope, (own) =>
            beginPreview(own, { ...scope, policy: params.policy, hash: draft.hash, by, now: now() }),
          );
          audit({ type: 'policy', id: params.policy });
          audit({ type: 'preview', id });
          deps.beside(run(id, scope, draft.policy, body.reach, actor).finally(() => running.delete(tenant)));
          return { id };
        } catch (error) {
          running.delete(tenant);
          throw error;
        }
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/previews/:preview',
      summary: 'What a draft would do: counts over the desks that its maker may see',
      who: 'signed-in',
      needs: 'Policies.View',
      params: PreviewById,
      answer: PreviewAnswer,
      async handle({ tx, actor, params, now: at, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const { instance: _, madeBy: __, ...answer } = await visiblePreview(tx, actor, params.preview, at);
        audit({ type: 'preview', id: answer.id });
        return answer;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/previews/:preview/desks',
      summary: 'Desks whose standing would be another, and why',
      who: 'signed-in',
      needs: 'Policies.View',
      params: PreviewById,
      query: PreviewDesksQuery,
      answer: PreviewDesksAnswer,
      async handle({ tx, actor, params, query, now: at, audit, decidedBy }) {
        decidedBy(demandPolicy(actor, 'Policies.View'));
        const { id } = await visiblePreview(tx, actor, params.preview, at);
        audit({ type: 'preview', id });
        const page = { limit: query.limit + 1, after: query.after ?? null, standing: query.standing ?? null };
        const found = await listMoved(tx, keyring, actor, id, page);
        const items = found.slice(0, query.limit);
        return { items, next: found.length > items.length ? (items.at(-1)?.device ?? null) : null };
      },
    }),
  ];

  async function run(
    id: string,
    scope: { tenant: string; instance: string },
    policy: Policy,
    reach: 'assigned' | 'instance',
    actor: Actor,
  ): Promise<void> {
    try {
      const result = await preview(deps, { ...scope, policy, reach, actor, stop }, (tx, moved) => keepMoved(tx, scope, id, moved));
      await db.within(scope, (tx) => endPreview(tx, id, result));
    } catch (error) {
      if (!stop.aborted) deps.onFault(error);
      await db.within(scope, (tx) => endPreview(tx, id, null)).catch(() => undefined);
    }
  }
}

async function readDraft(
  tx: Tx,
  { instance, policy }: { instance: string; policy: string },
  revision: number | undefined,
): Promise<{ policy: Policy; hash: Buffer }> {
  const row = await tx
    .selectFrom('policy_revision')
    .select(['resolved', 'content_hash'])
    .where('instance_id', '=', instance)
    .where('policy_id', '=', policy)
    .$if(revision !== undefined, (query) => query.where('revision', '=', revision ?? 0))
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing');
  return { policy: Policy.parse(row.resolved), hash: row.content_hash };
}

/** Its numbers tell of the desks that its maker may see: for them, and for whoever sees every desk. */
async function visiblePreview(tx: Tx, actor: Actor, id: string, now: Date): Promise<StoredPreview> {
  const found = await readPreview(tx, id, now);
  if (!found || !(seesEveryDesk(actor) || (actor.kind === 'account' && found.madeBy === actor.account))) {
    throw new FleetFault('not-found', 'there is no such thing');
  }
  return found;
}

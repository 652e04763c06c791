import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { type PreviewAnswer, type PreviewDesk, PreviewSummary, PreviewWhy } from '../../contracts/console/rejudge.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { Actor } from '../access/actor.ts';
import { deviceFilter } from '../access/filter.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { openHostName } from '../enrolment/host-name.ts';
import type { MovedDesk, PreviewResult } from './preview.ts';

const KEPT_MS = 30 * 24 * 60 * 60_000;
/** 100,000 desks take minutes, on a busy machine six; whoever judged them for longer is no more. */
const LONGEST_MS = 30 * 60_000;

export interface NewPreview {
  tenant: string;
  instance: string;
  policy: string;
  hash: Buffer;
  by: string | null;
  now: Date;
}

export async function beginPreview(tx: Tx, { tenant, instance, policy, hash, by, now }: NewPreview): Promise<string> {
  await tx
    .deleteFrom('policy_preview')
    .where('made_at', '<', new Date(now.getTime() - KEPT_MS))
    .execute();
  const id = randomUUID();
  await tx
    .insertInto('policy_preview')
    .values({
      tenant_id: tenant,
      instance_id: instance,
      id,
      policy_id: policy,
      content_hash: hash,
      status: 'running',
      complete: false,
      summary: 'null',
      made_by: by,
      made_at: now,
    })
    .execute();
  return id;
}

/** `result`: null where it failed. */
export async function endPreview(tx: Tx, id: string, result: PreviewResult | null): Promise<void> {
  await tx
    .updateTable('policy_preview')
    .set({ status: result ? 'done' : 'failed', complete: result?.complete ?? false, summary: JSON.stringify(result?.summary ?? null) })
    .where('id', '=', id)
    .execute();
}

export async function keepMoved(
  tx: Tx,
  { tenant, instance }: Pick<NewPreview, 'tenant' | 'instance'>,
  id: string,
  moved: readonly MovedDesk[],
): Promise<void> {
  const rows = moved.map(({ device, before, after }) => ({
    device,
    before,
    after: after.standing,
    why: { why: after.why, notCollected: after.notCollected },
  }));
  await sql`
    insert into policy_preview_desk (tenant_id, instance_id, preview_id, device_id, before, after, why)
    select ${tenant}::uuid, ${instance}::uuid, ${id}::uuid, device, before, after, why
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as moved (device uuid, before text, after text, why jsonb)`.execute(tx);
}

export interface StoredPreview extends PreviewAnswer {
  instance: string;
  madeBy: string | null;
}

export async function readPreview(tx: Tx, id: string, now: Date): Promise<StoredPreview | null> {
  const row = await tx.selectFrom('policy_preview').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return null;
  const isLost = row.status === 'running' && now.getTime() - row.made_at.getTime() > LONGEST_MS;
  return {
    id: row.id,
    instance: row.instance_id,
    policy: row.policy_id,
    contentHash: row.content_hash.toString('hex'),
    status: isLost ? 'failed' : row.status,
    complete: row.complete,
    madeAt: row.made_at.toISOString(),
    madeBy: row.made_by,
    summary: row.status === 'done' ? PreviewSummary.parse(row.summary) : null,
  };
}

export interface MovedQuery {
  limit: number;
  after: string | null;
  standing: Standing | null;
}

/** Of the desks that moved those that this one may see now, by id. */
export async function listMoved(
  tx: Tx,
  keyring: Keyring,
  actor: Actor,
  id: string,
  { limit, after, standing }: MovedQuery,
): Promise<PreviewDesk[]> {
  const rows = await tx
    .selectFrom('policy_preview_desk')
    .innerJoin('device', (join) =>
      join.onRef('device.tenant_id', '=', 'policy_preview_desk.tenant_id').onRef('device.id', '=', 'policy_preview_desk.device_id'),
    )
    .select(['device.id', 'device.tenant_id', 'device.instance_id', 'device.host_name_sealed', 'before', 'after', 'why'])
    .where('preview_id', '=', id)
    .where(deviceFilter(actor, 'Devices.View'))
    .$if(after !== null, (query) => query.where('device.id', '>', after))
    .$if(standing !== null, (query) => query.where('after', '=', standing))
    .orderBy('device.id')
    .limit(limit)
    .execute();
  const desks: PreviewDesk[] = [];
  for (const row of rows) {
    const owner = { tenant: row.tenant_id, instance: row.instance_id };
    const hostName = await openHostName(keyring, tx, owner, row.id, row.host_name_sealed);
    desks.push({
      device: row.id,
      hostName,
      before: row.before as Standing,
      after: row.after as Standing,
      ...PreviewWhy.parse(row.why),
    });
  }
  return desks;
}

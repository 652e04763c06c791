import { sql } from 'kysely';
import { CheckId, RuleId, Vantage } from '../../contracts/finding.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { Actor } from '../access/actor.ts';
import { deviceFilter } from '../access/filter.ts';
import type { Tx } from '../db/tenancy.ts';
import type { StoredFinding } from './judge-rule.ts';

export interface DeskRow {
  id: string;
  /** Whether the one who asks may see it. */
  visible: boolean;
  standing: Standing;
  heardAt: Date | null;
  /** Revisions that its last verdict names. */
  said: { policy: number; allowlist: number } | null;
}

/** Enrolled desks of the instance, by id. */
export async function readDesks(tx: Tx, instance: string, actor: Actor, after: string | null, limit: number): Promise<DeskRow[]> {
  const { rows } = await sql<{
    id: string;
    visible: boolean;
    standing: Standing | null;
    heard_at: Date | null;
    policy: number | null;
    allowlist: number | null;
  }>`
    select device.id, coalesce(${deviceFilter(actor, 'Devices.View')}, false) as visible, desk_state.standing, desk_state.heard_at,
      (desk_verdict.verdict #>> '{policy,revision}')::int as policy, (desk_verdict.verdict #>> '{allowlist,revision}')::int as allowlist
    from device
    left join desk_state on desk_state.tenant_id = device.tenant_id and desk_state.device_id = device.id
    left join desk_verdict on desk_verdict.tenant_id = device.tenant_id and desk_verdict.device_id = device.id
    where device.instance_id = ${instance} and device.status = 'enrolled' and (${after}::uuid is null or device.id > ${after}::uuid)
    order by device.id
    limit ${limit}`.execute(tx);
  return rows.map((row) => ({
    id: row.id,
    visible: row.visible,
    standing: row.standing ?? 'undetermined',
    heardAt: row.heard_at,
    said: row.policy === null || row.allowlist === null ? null : { policy: row.policy, allowlist: row.allowlist },
  }));
}

/** A finding as it is stored, its detail still sealed. */
export interface SealedFinding {
  finding: StoredFinding;
  sealed: Buffer;
}

/**
 * By desk, of these checks alone. Details only of `detailOf`: they are most of the bytes, and a draft that changes one rule needs a
 * twelfth of them.
 */
export async function readFindings(
  tx: Tx,
  devices: readonly string[],
  checks: readonly string[],
  detailOf: readonly string[],
): Promise<Map<string, SealedFinding[]>> {
  const { rows } = await sql<{
    device_id: string;
    rule: string;
    check_id: string;
    revision: number;
    vantage: string;
    kind: StoredFinding['kind'];
    code: string | null;
    partial: boolean;
    observed_at: Date;
    detail_sealed: Buffer | null;
  }>`
    select device_id, rule, check_id, revision, vantage, kind, code, partial, observed_at,
      case when check_id = any(${[...detailOf]}::text[]) and not partial then detail_sealed end as detail_sealed
    from finding
    where device_id = any(${[...devices]}::uuid[]) and check_id = any(${[...checks]}::text[])`.execute(tx);
  const byDevice = new Map<string, SealedFinding[]>();
  for (const row of rows) {
    const finding: StoredFinding = {
      rule: RuleId.parse(row.rule),
      check: CheckId.parse(row.check_id),
      revision: row.revision,
      vantage: Vantage.parse(row.vantage),
      partial: row.partial,
      kind: row.kind,
      code: row.code,
      observedAt: row.observed_at,
      detail: null,
    };
    const list = byDevice.get(row.device_id) ?? [];
    list.push({ finding, sealed: row.detail_sealed ?? Buffer.alloc(0) });
    byDevice.set(row.device_id, list);
  }
  return byDevice;
}

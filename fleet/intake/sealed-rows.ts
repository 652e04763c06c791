import { sql } from 'kysely';
import type { Tx } from '../db/tenancy.ts';
import { type InstanceScope, storableJson } from './desk-rows.ts';
import type { PreparedReport } from './prepared-report.ts';

/** What was sealed to a key is taken for so long after it was retired: reports wait in outboxes, and desks hear of the next key in time. */
const OVERLAP_MS = 24 * 60 * 60_000;

/**
 * Stores what is sealed to a key of the instance, and of other desks that theirs was refused; gives these. The keys are looked up by
 * the statement that stores: what another replica has retired counts at once, and no report waits for a question.
 */
export async function writeSealedFields(
  tx: Tx,
  { tenant, instance }: InstanceScope,
  told: readonly { report: PreparedReport }[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const records = told.flatMap(({ report: { device, sealed } }) => (sealed === null ? [] : [{ device_id: device, ...sealed }]));
  if (records.length === 0) return new Set();
  const { rows } = await sql<{ device: string; refused: boolean }>`
    with good as (
      select k ->> 'kid' as kid from instance i cross join jsonb_array_elements(i.sealing_keys) as k
      where i.tenant_id = ${tenant} and i.instance_id = ${instance}
        and (k ->> 'retiredAt' is null or (k ->> 'retiredAt')::timestamptz >= ${new Date(now.getTime() - OVERLAP_MS)})
    ), n as (
      select device_id, jwe, coalesce("to" in (select kid from good), false) as taken
      from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(device_id uuid, "to" text, jwe text)
    )
    insert into sealed_fields as f (tenant_id, instance_id, device_id, jwe, received_at, refused_at)
    select ${tenant}, ${instance}, device_id, case when taken then jwe end, case when taken then ${now}::timestamptz end,
      case when not taken then ${now}::timestamptz end from n
    on conflict (tenant_id, device_id) do update set jwe = coalesce(excluded.jwe, f.jwe),
      received_at = coalesce(excluded.received_at, f.received_at), refused_at = excluded.refused_at
    returning device_id as device, refused_at is not null as refused`.execute(tx);
  return new Set(rows.flatMap(({ device, refused }) => (refused ? [device] : [])));
}

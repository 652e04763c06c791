import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Place } from '../crypto/place.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DeskChanges } from './apply-report.ts';
import type { StandingLine } from './desk-memory.ts';
import { type InstanceScope, storableJson } from './desk-rows.ts';
import { findingChangePlace, findingPlace, goneDetail } from './finding-detail.ts';
import type { PreparedReport } from './prepared-report.ts';
import { writeSealedFields } from './sealed-rows.ts';

/** The part of a data key that hot paths use. */
export interface Sealer {
  seal(place: Place, plain: string): Buffer;
}

/** A report that changes something, with what it changes. */
export interface Told {
  report: PreparedReport;
  changes: DeskChanges;
  group: string | null;
}

/** A fresh key: good for `MAX_SEALS` values. */
export type TakeKey = () => Promise<Sealer>;

/** Below what a data key gives at once. */
const MAX_SEALS = 8_000;

/**
 * All that reports of a batch change beside the desks' states: a statement for each table that has something to take. Gives the desks
 * whose sealed fields were not stored.
 */
export async function writeReports(
  tx: Tx,
  scope: InstanceScope,
  takeKey: TakeKey,
  told: readonly Told[],
  now: Date,
): Promise<ReadonlySet<string>> {
  await writeVerdicts(tx, scope, told);
  await writeFindings(tx, scope, takeKey, told, now);
  await writeStandings(
    tx,
    scope,
    told.flatMap(({ report, changes, group }) => changes.standings.map((line) => ({ device: report.device, group, line }))),
    now,
  );
  await writeReleases(tx, scope, told, now);
  return writeSealedFields(tx, scope, told, now);
}

async function writeVerdicts(tx: Tx, { tenant, instance }: InstanceScope, told: readonly Told[]): Promise<void> {
  const records = told
    .filter(({ changes }) => changes.verdict)
    .map(({ report }) => ({ device_id: report.device, ...report.verdict, made_at: report.madeAt }));
  if (records.length === 0) return;
  await sql`
    insert into desk_verdict (tenant_id, instance_id, device_id, verdict, gate, allowlist, platform, made_at)
    select ${tenant}, ${instance}, device_id, verdict, gate, allowlist, platform, made_at
    from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(device_id uuid, verdict jsonb, gate jsonb, allowlist jsonb,
      platform text, made_at timestamptz)
    on conflict (tenant_id, device_id) do update set verdict = excluded.verdict, gate = excluded.gate, allowlist = excluded.allowlist,
      platform = excluded.platform, made_at = excluded.made_at`.execute(tx);
}

async function writeFindings(tx: Tx, scope: InstanceScope, takeKey: TakeKey, told: readonly Told[], now: Date): Promise<void> {
  const { tenant, instance } = scope;
  const changed = told.flatMap(({ report: { device }, changes }) => changes.upserts.map((one) => ({ device, one })));
  const upserts = await sealEach(takeKey, changed, (key, { device, one }) => ({
    device_id: device,
    rule: one.rule,
    check_id: one.check,
    revision: one.revision,
    venue: one.venue,
    vantage: one.vantage,
    kind: one.kind,
    code: one.code,
    detail: key.seal(findingPlace(device, one.rule), one.detail()).toString('base64'),
    digest: `\\x${one.digest()}`,
    partial: one.partial,
    judged: one.judged,
    observed_at: one.observedAt,
    since: one.since,
    last_pass_at: one.lastPassAt,
  }));
  if (upserts.length > 0)
    await sql`
      insert into finding (tenant_id, instance_id, device_id, rule, check_id, revision, venue, vantage, kind, code, detail_sealed,
        digest, partial, judged, observed_at, since, last_pass_at)
      select ${tenant}, ${instance}, device_id, rule, check_id, revision, venue, vantage, kind, code, decode(detail, 'base64'),
        digest, partial, judged, observed_at, since, last_pass_at
      from jsonb_to_recordset(${storableJson(upserts)}::jsonb) as n(device_id uuid, rule text, check_id text, revision int, venue text,
        vantage text, kind text, code text, detail text, digest bytea, partial boolean, judged boolean, observed_at timestamptz,
        since timestamptz, last_pass_at timestamptz)
      on conflict (tenant_id, device_id, rule) do update set check_id = excluded.check_id, revision = excluded.revision,
        venue = excluded.venue, vantage = excluded.vantage, kind = excluded.kind, code = excluded.code,
        detail_sealed = excluded.detail_sealed, digest = excluded.digest, partial = excluded.partial, judged = excluded.judged,
        observed_at = excluded.observed_at, since = excluded.since, last_pass_at = excluded.last_pass_at`.execute(tx);
  await writeFindingHistory(tx, scope, takeKey, told, await deleteGone(tx, scope, told), now);
}

/** Which check each rule was of that a full report no longer has, by desk and rule. */
async function deleteGone(tx: Tx, { tenant }: InstanceScope, told: readonly Told[]): Promise<Map<string, string>> {
  const gone = told.flatMap(({ report: { device }, changes }) => changes.gone.map((rule) => ({ device_id: device, rule })));
  if (gone.length === 0) return new Map();
  const { rows } = await sql<{ device: string; rule: string; check: string }>`
    delete from finding f using jsonb_to_recordset(${storableJson(gone)}::jsonb) as n(device_id uuid, rule text)
    where f.tenant_id = ${tenant} and f.device_id = n.device_id and f.rule = n.rule
    returning f.device_id as device, f.rule, f.check_id as check`.execute(tx);
  return new Map(rows.map(({ device, rule, check }) => [`${device} ${rule}`, check]));
}

async function writeFindingHistory(
  tx: Tx,
  { tenant, instance }: InstanceScope,
  takeKey: TakeKey,
  told: readonly Told[],
  gone: ReadonlyMap<string, string>,
  now: Date,
): Promise<void> {
  const drafts = told.flatMap(({ report, changes, group }) => {
    const about = { device_id: report.device, group_id: group, report_id: report.id };
    return [
      ...changes.told.map((one) => ({
        ...{ ...about, id: randomUUID(), detail: one.detail() },
        ...{ rule: one.rule, check_id: one.check, kind: one.kind, code: one.code, observed_at: one.observedAt },
      })),
      ...changes.gone.map((rule) => ({
        ...{ ...about, id: randomUUID(), detail: goneDetail, rule, check_id: gone.get(`${report.device} ${rule}`) ?? rule },
        ...{ kind: 'gone', code: null, observed_at: report.madeAt },
      })),
    ];
  });
  const lines = await sealEach(takeKey, drafts, (key, draft) => ({
    ...draft,
    detail: key.seal(findingChangePlace(draft.id), draft.detail).toString('base64'),
  }));
  if (lines.length === 0) return;
  await sql`
    insert into finding_change (tenant_id, instance_id, id, device_id, rule, check_id, kind, code, detail_sealed, observed_at,
      received_at, group_id, report_id)
    select ${tenant}, ${instance}, id, device_id, rule, check_id, kind, code, decode(detail, 'base64'), observed_at, ${now}, group_id,
      report_id
    from jsonb_to_recordset(${storableJson(lines)}::jsonb) as n(id uuid, device_id uuid, rule text, check_id text, kind text, code text,
      detail text, observed_at timestamptz, group_id uuid, report_id uuid)`.execute(tx);
}

async function sealEach<T, R>(takeKey: TakeKey, items: readonly T[], seal: (key: Sealer, item: T) => R): Promise<R[]> {
  const sealed: R[] = [];
  for (let start = 0; start < items.length; start += MAX_SEALS) {
    const key = await takeKey();
    for (const item of items.slice(start, start + MAX_SEALS)) sealed.push(seal(key, item));
  }
  return sealed;
}

export async function writeStandings(
  tx: Tx,
  { tenant, instance }: InstanceScope,
  lines: readonly { device: string; group: string | null; line: StandingLine }[],
  now: Date,
): Promise<void> {
  if (lines.length === 0) return;
  const records = lines.map(({ device, group, line }) => ({
    id: randomUUID(),
    device_id: device,
    group_id: group,
    standing: line.standing,
    was: line.was,
    gate_state: line.gateState,
    causes: line.causes,
    at: line.at,
  }));
  await sql`
    insert into standing_change (tenant_id, instance_id, id, device_id, standing, was, gate_state, causes, at, received_at, group_id)
    select ${tenant}, ${instance}, id, device_id, standing, was, gate_state, causes, at, ${now}, group_id
    from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(id uuid, device_id uuid, standing text, was text, gate_state text, causes jsonb,
      at timestamptz, group_id uuid)`.execute(tx);
}

/** Once by their id: a desk tells of a release again until a report with it was acknowledged. */
async function writeReleases(tx: Tx, { tenant, instance }: InstanceScope, told: readonly Told[], now: Date): Promise<void> {
  const records = told.flatMap(({ report }) =>
    report.releases.map(({ id, by, uid, from, until }) => ({
      ...{ id, device_id: report.device, released_by: by, uid, from_at: from, until_at: until },
    })),
  );
  if (records.length === 0) return;
  await sql`
    insert into release_record (tenant_id, instance_id, id, device_id, released_by, uid, from_at, until_at, received_at)
    select ${tenant}, ${instance}, id, device_id, released_by, uid, from_at, until_at, ${now}
    from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(id uuid, device_id uuid, released_by text, uid bigint,
      from_at timestamptz, until_at timestamptz)
    order by id on conflict do nothing`.execute(tx);
}

import { sql } from 'kysely';
import type { DeskAnswer, DeskFinding } from '../../contracts/console/desks.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { FleetFault } from '../http/fault.ts';
import { FindingDetail, findingPlace } from '../intake/finding-detail.ts';
import { type DeskRow, deskColumns, type Reading, stateOfDevice, toEntry, visible } from './shown-desk.ts';

interface Documents {
  verdict: unknown;
  gate: unknown;
  allowlist: unknown;
  heartbeatGate: unknown;
  held: unknown;
  health: unknown;
  refused: unknown;
  sealedAt: Date | null;
  sealedRefusedAt: Date | null;
}

/** One desk that the actor may see. What is unseen, and what does not exist, is not found by the same statement. */
export async function findDesk(reading: Reading, id: string): Promise<DeskRow> {
  const { rows } = await sql<DeskRow>`
    with found as (select ${deskColumns} from ${stateOfDevice} where ${visible(reading)} and s.device_id = ${id})
    select found.*, g.name as "groupName" from found
    left join hierarchy_group g on g.tenant_id = ${reading.actor.tenant} and g.id = found."group"`.execute(reading.tx);
  const [row] = rows;
  if (row === undefined) throw new FleetFault('not-found', 'no such desk');
  return row;
}

export async function readDesk(reading: Reading, keyring: Keyring, id: string): Promise<DeskAnswer> {
  const { tx, actor } = reading;
  const row = await findDesk(reading, id);
  const { rows } = await sql<Documents>`
    select v.verdict, v.gate, v.allowlist, h.gate as "heartbeatGate", h.held, h.health, h.refused, f.received_at as "sealedAt",
      f.refused_at as "sealedRefusedAt"
    from desk_state s
    left join desk_verdict v on v.tenant_id = s.tenant_id and v.device_id = s.device_id
    left join desk_heartbeat h on h.tenant_id = s.tenant_id and h.device_id = s.device_id
    left join sealed_fields f on f.tenant_id = s.tenant_id and f.device_id = s.device_id
    where s.tenant_id = ${actor.tenant} and s.device_id = ${id}`.execute(tx);
  const [documents] = rows;
  if (documents === undefined) throw new FleetFault('not-found', 'no such desk');
  const { verdict, gate, allowlist, heartbeatGate, held, health, refused, sealedAt, sealedRefusedAt } = documents;
  return {
    desk: await toEntry(reading, keyring, row),
    ...{ verdict, gate, allowlist },
    heartbeat: held === null ? null : ({ gate: heartbeatGate, held, health, refused } as DeskAnswer['heartbeat']),
    findings: await readFindings(reading, keyring, row),
    sealedAt: sealedAt?.toISOString() ?? null,
    sealedRefused: sealedRefusedAt && { code: 'cse-key-invalid', at: sealedRefusedAt.toISOString() },
  };
}

async function readFindings({ tx, actor: { tenant } }: Reading, keyring: Keyring, { id, instance }: DeskRow): Promise<DeskFinding[]> {
  const rows = await tx
    .selectFrom('finding')
    .selectAll()
    .where('tenant_id', '=', tenant)
    .where('device_id', '=', id)
    .orderBy('rule')
    .execute();
  const findings: DeskFinding[] = [];
  for (const row of rows) {
    const opened = await keyring.open(tx, { tenant, instance }, 'evidence', findingPlace(id, row.rule), row.detail_sealed);
    findings.push({
      rule: row.rule,
      check: row.check_id,
      revision: row.revision,
      venue: row.venue,
      vantage: row.vantage,
      ...FindingDetail.parse(JSON.parse(opened.toString('utf8'))),
      partial: row.partial,
      judged: row.judged,
      observedAt: row.observed_at.toISOString(),
      since: row.since.toISOString(),
      lastPassAt: row.last_pass_at?.toISOString() ?? null,
    });
  }
  return findings;
}
